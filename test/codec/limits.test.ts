import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NeededCodec, RareRequestCodec, RareResponseCodec } from "../schema/gen/every/v1/every_codec.ts";
import { NeededSchema, RareRequestSchema, RareResponseSchema } from "../schema/gen/every/v1/every_pb.ts";
import { encoded } from "./same.ts";

/** What a function throws. */
function thrown(run: () => unknown): string {
  try {
    run();
    return "";
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : "no error";
  }
}

/** Bytes between bytes, some times. */
function nested(open: readonly number[], close: readonly number[], depth: number): Uint8Array {
  return Uint8Array.from([...Array(depth).fill(open).flat(), ...Array(depth).fill(close).flat()]);
}

test.each([
  ["groups", [0x23], [0x24]],
  ["groups that nobody knows", [0xa3, 0x06], [0xa4, 0x06]],
] as const)("%s are read as deep as protobuf-es reads them, and no deeper", (_name, open, close) => {
  for (const depth of [1, 98, 99, 100, 101, 5_000]) {
    const bytes = nested(open, close, depth);
    const theirs = thrown(() => fromBinary(RareResponseSchema, bytes));
    expect(theirs === "").toBe(depth <= 99);
    expect(thrown(() => RareResponseCodec.decode(bytes, 0, bytes.length)) === "").toBe(theirs === "");
  }
});

test("JSON is read as deep as protobuf-es reads it, and no deeper", () => {
  for (const depth of [1, 30, 32, 33, 34, 35, 50, 200]) {
    let json: { [key: string]: unknown } = {};
    for (let level = 0; level < depth; level++) json = { a: json };
    const bytes = toBinary(RareRequestSchema, RareRequestCodec.create({ json } as object));
    expect(encoded(RareRequestCodec as never, { json })).toEqual(bytes);
    const theirs = thrown(() => fromBinary(RareRequestSchema, bytes));
    expect(thrown(() => RareRequestCodec.decode(bytes, 0, bytes.length)) === "").toBe(theirs === "");
    expect(theirs === "").toBe(depth < 49);
  }
});

test("a group that ends nowhere, or with another's number, is refused as protobuf-es refuses it", () => {
  for (const bytes of [[0x0b], [0x0b, 0x0a, 0x00], [0x0b, 0x14], [0x0b, 0x1b, 0x0c], [0x0c]]) {
    const theirs = thrown(() => fromBinary(RareResponseSchema, Uint8Array.from(bytes)));
    expect(theirs).not.toBe("");
    expect(thrown(() => RareResponseCodec.decode(Uint8Array.from(bytes), 0, bytes.length))).toBe(theirs);
  }
});

test("numbers that a closed enum does not have are kept in the order that they came in, and are written again", () => {
  // closed = 77, a field that nobody knows, closed = -1, one that it has.
  const minusOne = [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
  const bytes = Uint8Array.from([0x10, 77, 0xa0, 0x06, 0x05, ...minusOne, 0x10, 1]);
  const message = RareResponseCodec.decode(bytes, 0, bytes.length);
  expect(message.closed).toBe(1);
  expect(message.$unknown?.map(({ no }) => no)).toEqual([2, 100, 2]);
  expect([...encoded(RareResponseCodec as never, message)]).toEqual([0x10, 1, 0x10, 77, 0xa0, 0x06, 0x05, ...minusOne]);
});

test("what must be there and is not is named as protobuf-es names it", () => {
  for (const init of [{}, { number: 1 }, { number: 1, flag: false, text: "" }, { number: 1, flag: true, text: "", inner: {} }]) {
    const theirs = thrown(() => toBinary(NeededSchema, NeededCodec.create(init)));
    expect(theirs).toMatch(/required field not set/);
    expect(thrown(() => encoded(NeededCodec as never, init))).toBe(theirs);
  }
});
