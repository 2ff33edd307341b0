import { type DescMessage, fromJson, type JsonValue, type MessageShape } from "@bufbuild/protobuf";
import type { Handshake } from "../session/index.ts";
import type { Authenticate } from "./authenticate.ts";

/**
 * An `authenticate` that is given what the client put under `user` as a message of the schema, read by protobuf's JSON. What does not fit the message is
 * refused with `invalid_argument`, and never seen; a client that says nothing there says the empty message. Fields that the schema does not have are passed over: clients may be newer.
 *
 * @param schema As `LoginSchema` of a `*_pb.ts`.
 */
export function authenticateBy<S extends DescMessage>(
  schema: S,
  decide: (data: MessageShape<S>, handshake: Handshake) => ReturnType<Authenticate>,
): Authenticate {
  return (handshake) => {
    let data: MessageShape<S>;
    try {
      data = fromJson(schema, (handshake.user ?? {}) as JsonValue, { ignoreUnknownFields: true });
    } catch {
      // Not in the words of the reader: they repeat what was said, which may be a password.
      return { code: "invalid_argument", reason: `the handshake's user is no ${schema.typeName}` };
    }
    return decide(data, handshake);
  };
}
