import { fromBinary, type Message } from "@bufbuild/protobuf";
import type { Check } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { RouteInfo, ServerSchema } from "../route/index.ts";
import type { KnownChecks, Validation } from "../validation/index.ts";

/** Checks what clients send to other servers, before it goes there. */
export interface EdgeCheck {
  /** Compiles the rules of what clients may call. */
  prepare(schema: ServerSchema): Promise<void>;
  /** Why a message must not go on, if so: it breaks rules of its schema, is malformed, or the rules cannot be worked out for it. */
  refusal(info: RouteInfo, body: Uint8Array): unknown;
}

/** What is answered here is checked where it is decoded. @param known What is checked by printed code; the library checks the rest. */
export function createEdgeCheck(validation: Validation, known: KnownChecks): EdgeCheck {
  const made = new WeakMap<RouteInfo, BodyCheck | "none">();

  function make({ input, policy }: RouteInfo): BodyCheck | "none" {
    if (policy.validate === false) return "none";
    const printed = known.of(input);
    if (printed) return (body) => checked(() => printed.codec.decode(body, 0, body.length), printed.check);
    const check = validation.checkOf(input, policy.validate);
    return check ? (body) => checked(() => fromBinary(input, body), check) : "none";
  }

  function checkOf(info: RouteInfo): BodyCheck | "none" {
    let check = made.get(info);
    if (!check) {
      check = make(info);
      made.set(info, check);
    }
    return check;
  }

  return {
    prepare(schema) {
      for (const info of schema.routes.values()) if (info.kind === "request" || info.kind === "notify") checkOf(info);
      return validation.ready();
    },
    refusal(info, body) {
      const check = checkOf(info);
      return check === "none" ? undefined : check(body);
    },
  };
}

/** Reads a body and says what is wrong with it. */
type BodyCheck = (body: Uint8Array) => unknown;

function checked(decode: () => Message, check: Check): unknown {
  let message: Message;
  try {
    message = decode();
  } catch (reason) {
    return new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
  }
  try {
    return check(message);
  } catch (reason) {
    return reason;
  }
}
