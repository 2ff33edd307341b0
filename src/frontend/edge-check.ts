import { fromBinary, type Message } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";
import type { RouteInfo, ServerSchema } from "../route/index.ts";
import type { Validation } from "../validation/index.ts";

/** Checks what clients send to other servers, before it goes there. */
export interface EdgeCheck {
  /** Compiles the rules of what clients may call. */
  prepare(schema: ServerSchema): Promise<void>;
  /** Why a message must not go on, if so: it breaks rules of its schema, is malformed, or the rules cannot be worked out for it. */
  refusal(info: RouteInfo, body: Uint8Array): unknown;
}

/** What is answered here is checked where it is decoded. */
export function createEdgeCheck(validation: Validation): EdgeCheck {
  return {
    prepare(schema) {
      for (const { kind, input, policy } of schema.routes.values())
        if (kind === "request" || kind === "notify") validation.checkOf(input, policy.validate);
      return validation.ready();
    },
    refusal({ input, policy }, body) {
      const check = validation.checkOf(input, policy.validate);
      if (!check) return undefined;
      let message: Message;
      try {
        message = fromBinary(input, body);
      } catch (reason) {
        return new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
      }
      try {
        return check(message);
      } catch (reason) {
        return reason;
      }
    },
  };
}
