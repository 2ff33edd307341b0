import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeKey, readKey } from "../../src/router/index.ts";
import { anyFields, KindsSchema, keyNames, kinds } from "../serializer/kinds.ts";

const hex = (text: string): Uint8Array => Buffer.from(text, "hex");
const invalid = expect.objectContaining({ name: "NanoError", code: "invalid_argument" });

/** The key of a message as code sees it. */
function keyOf(message: ReturnType<typeof kinds>, name: string): string {
  return String(message[name]);
}

describe.each([
  ["readKey()", readKey],
  ["decodeKey()", decodeKey],
])("%s", (_name, read) => {
  test.each(keyNames)("%s: the text of the value, whatever stands beside it", (name) => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const message = kinds(fields);
        expect(read(KindsSchema, name, toBinary(KindsSchema, message))).toBe(keyOf(message, name));
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["text", "a/b", "a/b"],
    ["yes", true, "true"],
    ["i32", -1, "-1"],
    ["u32", 2 ** 32 - 1, "4294967295"],
    ["s32", -(2 ** 31), "-2147483648"],
    ["i64", -(2n ** 63n), "-9223372036854775808"],
    ["u64", 2n ** 64n - 1n, "18446744073709551615"],
    ["sf64", -5n, "-5"],
    ["color", 3, "3"],
    ["color", 77, "77"],
    ["maybe", 0, "0"],
    ["left", "l", "l"],
  ])("%s of %s is %j", (name, value, text) => {
    const fields = name === "left" ? { side: { case: name, value } } : { [name]: value };
    expect(read(KindsSchema, name, toBinary(KindsSchema, kinds(fields)))).toBe(text);
  });

  test("an absent field is its default", () => {
    const body = new Uint8Array(0);
    expect(keyNames.map((name) => [name, read(KindsSchema, name, body)])).toEqual(
      keyNames.map((name) => [name, name === "text" ? "" : name === "yes" ? "false" : "0"]),
    );
    expect(["left", "right", "maybe"].map((name) => read(KindsSchema, name, body))).toEqual(["", "0", "0"]);
  });

  test("of a field that comes twice the last counts", () => {
    expect(read(KindsSchema, "text", hex("0a01610a0162"))).toBe("b");
    expect(read(KindsSchema, "i32", hex("200120ffffffffffffffffff01"))).toBe("-1");
  });

  test.each([
    ["text beyond the end", "0a0561"],
    ["text that is no UTF-8", "0a02ff61"],
    ["a tag alone", "0a"],
    ["field 0", "0000"],
    ["another field that is cut", "0a016112"],
    ["groups without end", "e3".repeat(5_000)],
  ])("%s is invalid_argument", (_what, bytes) => {
    expect(() => read(KindsSchema, "text", hex(bytes))).toThrow(invalid);
  });

  test.each(["nobody", "raw", "child", "single", "names"])("%s cannot be routed by: internal, not the client's fault", (name) => {
    const body = toBinary(KindsSchema, kinds({ raw: hex("ff"), child: { text: "a" }, single: 1, names: { a: "b" } }));
    expect(() => read(KindsSchema, name, body)).toThrow(expect.objectContaining({ code: "internal" }));
  });
});

describe("what can be read in two ways", () => {
  /** What the handler gets, or undefined. */
  function decoded(bytes: Uint8Array): ReturnType<typeof kinds> | undefined {
    try {
      return fromBinary<DescMessage>(KindsSchema, bytes) as ReturnType<typeof kinds>;
    } catch {
      return undefined;
    }
  }

  function key(read: typeof readKey, name: string, bytes: Uint8Array): string | undefined {
    try {
      return read(KindsSchema, name, bytes);
    } catch (reason) {
      expect(reason).toEqual(invalid);
      return undefined;
    }
  }

  test("decodeKey() gives what the handler gets, or invalid_argument, for any bytes; readKey() throws nothing else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...keyNames), fc.uint8Array({ maxLength: 24 }), (name, bytes) => {
        const message = decoded(bytes);
        expect(key(decodeKey, name, bytes)).toBe(message && keyOf(message, name));
        key(readKey, name, bytes);
      }),
      { numRuns: 3_000 },
    );
  });

  test.each([
    // Field 3 is a bool, as a text of four bytes: a decoder takes 04 as true, and the "text" as the key.
    ["a wire type that does not fit", "0a0161" + "1a04" + "0a0162" + "20" + "01", "b"],
    // Field 21 has two bytes, the text in it has one: with it the child ends a byte late.
    ["a length that leads out of its message", "0a0161" + "aa0102" + "0a03" + "0a0162" + "", "a"],
  ])("%s", (_what, hexText, seen) => {
    const bytes = hex(hexText);
    const message = decoded(bytes);
    expect(message && keyOf(message, "text")).toBe(seen);
    expect(decodeKey(KindsSchema, "text", bytes)).toBe(seen);
    expect(key(readKey, "text", bytes)).not.toBe(seen);
  });
});
