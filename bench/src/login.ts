import { implement, NanoError, type Service } from "nano-rpc";
import { LoginHandler } from "../gen/bench/v1/login_nano.ts";

/** Lets everybody in as whom they say they are. */
export function login(): Service {
  return implement(LoginHandler, {
    async enter({ user }, { session }) {
      if (user === "") throw new NanoError({ code: "invalid_argument", message: "a user has a name" });
      const { former } = await session.bind(user);
      return { former };
    },
  });
}
