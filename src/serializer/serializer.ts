import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { NanoError } from "../error/index.ts";

/** How bodies are written, by a name that the handshake carries. */
export interface Serializer {
  readonly name: string;
  /** The bytes are the caller's. */
  encode<S extends DescMessage>(schema: S, message: MessageShape<S>): Uint8Array;
  /** Nothing in the message aliases the bytes. Throws NanoError `invalid_argument` on malformed bytes. */
  decode<S extends DescMessage>(schema: S, bytes: Uint8Array): MessageShape<S>;
  /** The same, able to read and write these messages where they stand in a `google.protobuf.Any`, as the details of errors do. */
  readonly knowing?: (messages: () => readonly DescMessage[]) => Serializer;
}

/** Protobuf's own. */
export const protobufSerializer: Serializer = {
  name: "protobuf",
  encode: (schema, message) => toBinary(schema, message),
  decode(schema, bytes) {
    try {
      // A copy, of a Buffer too, whose own slice is none.
      return fromBinary(schema, Uint8Array.prototype.slice.call(bytes));
    } catch (reason) {
      throw malformed(schema, reason);
    }
  },
};

/** What a body that cannot be read is answered with. */
export function malformed(schema: DescMessage, reason: unknown): NanoError {
  const why = reason instanceof Error ? reason.message.slice(0, 120) : "";
  return new NanoError({ code: "invalid_argument", message: `no ${schema.typeName}: ${why}`, cause: reason });
}

/**
 * An empty protobuf body as one unknown field, which every decoder skips: libpitaya drops an empty push, and fails on an empty answer
 * (clients.md, rule 9). Field 19000, of the range that protobuf keeps for implementations, varint 0.
 */
export function padEmptyProtobuf(bytes: Uint8Array): Uint8Array {
  return bytes.length > 0 ? bytes : Uint8Array.of(0xc0, 0xa3, 0x09, 0x00);
}
