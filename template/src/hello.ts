import { implement, NanoError } from "nano-rpc";
import { HelloHandler, HelloPush } from "../gen/hello/v1/hello_nano.ts";

/** Who has entered hears everyone who waves. */
export const hello = implement(HelloHandler, {
  async enter({ name }, { session, group }) {
    if (name === "" || name.length > 32)
      throw new NanoError({ code: "invalid_argument", message: "a name has 1 to 32 characters" });
    await session.bind(name);
    await group("everyone").add(session);
    return { greeting: `hello ${name}` };
  },
  wave(_message, { session, group }) {
    group("everyone").push(HelloPush.waved, { name: session.user });
  },
});
