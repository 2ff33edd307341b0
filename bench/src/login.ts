import { implement, type Service } from "nano-rpc";
import { LoginHandler } from "../gen/bench/v1/login_nano.ts";

/** Lets everybody in as whom they say they are. */
export function login(): Service {
  return implement(LoginHandler, {
    async enter({ user }, { session }) {
      const { former } = await session.bind(user);
      return { former };
    },
  });
}
