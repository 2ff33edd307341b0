import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { expect } from "vitest";
import { ByteWriter, type Codec } from "../../src/contract/index.ts";
import { withKeptNumbers } from "./kept-numbers.ts";

/** What a codec writes. */
export function encoded(codec: Codec<Message>, init: object): Uint8Array {
  const writer = new ByteWriter(1);
  codec.encode(init, writer);
  return writer.slice(0, writer.length);
}

/** protobuf-es and a codec read the same, or refuse both: also what messages inherit, and fields that nobody knows. */
export function expectSame(codec: Codec<Message>, bytes: Uint8Array): void {
  const schema: DescMessage = codec.schema;
  const theirs = attempt(() => fromBinary(schema, bytes));
  const around = Buffer.from([0xff, 0xff, ...bytes, 0xff, 0xff]);
  const ours = attempt(() => codec.decode(around, 2, 2 + bytes.length));
  // What was read must not change with what it was read from.
  around.fill(0x55);
  if (ours && theirs) withKeptNumbers(schema, theirs, ours);
  expect(ours).toStrictEqual(theirs);
  if (ours && theirs) expect(Object.getPrototypeOf(ours)).toEqual(Object.getPrototypeOf(theirs));
}

/** What a decoder makes of bytes; undefined where it refuses them. */
function attempt(decode: () => Message): Message | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}
