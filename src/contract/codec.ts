import { create, fromBinary, type Message, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ByteWriter } from "./byte-writer.ts";
import type { Init } from "./init.ts";

/** Bytes to message and back. Method syntax, so that a codec of one message is a codec of messages. */
export interface Codec<M extends Message> {
  readonly schema: GenMessage<M>;
  /** A whole message out of some fields. A whole one is given back as it is. */
  create(init: Init<M>): M;
  /** Appends a message, whole or some fields of it. Throws on values that its fields cannot have. */
  encode(init: Init<M>, writer: ByteWriter): void;
  /** Reads the bytes from `from` up to `to`. Nothing in the message aliases them. Throws on malformed bytes. */
  decode(bytes: Uint8Array, from: number, to: number): M;
}

/** A codec that reads the descriptor at run time. */
export function reflectCodec<M extends Message>(schema: GenMessage<M>): Codec<M> {
  // protobuf-es calls the same thing by a type that only it can resolve.
  const whole = (init: Init<M>): M => create(schema, init as MessageInitShape<GenMessage<M>>) as M;
  return {
    schema,
    create: whole,
    encode: (init, writer) => writer.bytes(toBinary(schema, whole(init))),
    // A copy, since protobuf-es gives bytes fields as views.
    decode: (bytes, from, to) => fromBinary(schema, new Uint8Array(bytes.subarray(from, to))) as M,
  };
}

/** The bytes of a message, on their own. The writer is left as it was. */
export function encodeMessage<M extends Message>(codec: Codec<M>, init: Init<M>, writer: ByteWriter): Uint8Array {
  const from = writer.length;
  try {
    codec.encode(init, writer);
    return writer.slice(from, writer.length);
  } finally {
    writer.truncate(from);
  }
}
