import { create, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import type { GenMessage } from "@bufbuild/protobuf/codegenv2";
import type { ByteWriter, Codec, Init } from "../contract/index.ts";
import { WireReader } from "./wire-reader.ts";

/** What is printed of a message. */
export interface MessageParts<M extends Message> {
  /** A message of which nothing is set. */
  zero(): M;
  /** Reads fields into a message, up to a place. */
  read(message: M, reader: WireReader, end: number): void;
  /** Appends what is set. */
  write(init: Init<M>, writer: ByteWriter): void;
}

/** A codec whose parts other messages use where they have such a field. */
export interface PrintedCodec<M extends Message> extends Codec<M>, MessageParts<M> {}

/** A codec of a message that stands between two tags somewhere, as the groups of old. */
export interface GroupCodec<M extends Message> extends PrintedCodec<M> {
  /** Reads the field whose tag was read. */
  field(message: M, reader: WireReader, tag: number): void;
}

/** A message under construction. */
export type Writable<M> = { -readonly [F in keyof M]: M[F] };

/** A codec of straight-line code. */
export function printedCodec<M extends Message, P extends MessageParts<M>>(schema: GenMessage<M>, parts: P): Codec<M> & P {
  // Nobody else's code runs while it reads.
  const reader = new WireReader();
  const { zero, read, write } = parts;
  return {
    schema,
    ...parts,
    create: (init) => create(schema, init as MessageInitShape<GenMessage<M>>) as M,
    encode: write,
    decode(bytes, from, to) {
      const message = zero();
      reader.start(bytes, from, to);
      try {
        read(message, reader, to);
      } finally {
        reader.finish();
      }
      return message;
    },
  };
}

/** What the messages of a schema inherit: the defaults of fields that have presence. */
export function prototypeOf(schema: GenMessage<Message>): object | null {
  return Object.getPrototypeOf(create(schema));
}
