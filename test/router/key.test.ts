import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readKey } from "../../src/router/index.ts";
import { anyFields, KindsSchema, keyNames, kinds } from "../serializer/kinds.ts";

const hex = (text: string): Uint8Array => Buffer.from(text, "hex");
const invalid = expect.objectContaining({ name: "NanoError", code: "invalid_argument" });

/** The key of a message as code sees it. */
function keyOf(message: ReturnType<typeof kinds>, name: string): string {
  const value = message[name];
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : String(value);
}

describe("readKey()", () => {
  const read = readKey;

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
    ["raw", hex("00ff"), "00ff"],
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
      keyNames.map((name) => [name, name === "text" || name === "raw" ? "" : name === "yes" ? "false" : "0"]),
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

  test.each(["nobody", "child", "single", "names", "numbers"])(
    "%s cannot be routed by: internal, not the client's fault",
    (name) => {
      const body = toBinary(KindsSchema, kinds({ raw: hex("ff"), child: { text: "a" }, single: 1, names: { a: "b" } }));
      expect(() => read(KindsSchema, name, body)).toThrow(expect.objectContaining({ code: "internal" }));
    },
  );
});

describe("what can be read in two ways", () => {
  /** What the handler gets, or undefined. */
  function decoded(schema: DescMessage, bytes: Uint8Array): ReturnType<typeof kinds> | undefined {
    try {
      return fromBinary<DescMessage>(schema, bytes) as ReturnType<typeof kinds>;
    } catch {
      return undefined;
    }
  }

  function key(name: string, bytes: Uint8Array, schema = KindsSchema): string | undefined {
    try {
      return readKey(schema, name, bytes);
    } catch (reason) {
      expect(reason).toEqual(invalid);
      return undefined;
    }
  }

  // Tags and lengths that fit, or nearly: bytes at random are soon no message at all.
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    fc.tuple(fc.nat(30), fc.constantFrom(0, 1, 2, 3, 4, 5), fc.uint8Array({ maxLength: 12 })).map(([number, type, rest]) => {
      const tag = (number << 3) | type;
      return Uint8Array.of(...(tag < 128 ? [tag] : [(tag & 127) | 128, tag >> 7]), ...(type === 2 ? [rest.length] : []), ...rest);
    }),
    anyFields.map((fields) => toBinary(KindsSchema, kinds(fields))),
  );
  const bodies = fc.array(piece, { maxLength: 6 }).map((pieces) => Uint8Array.from(Buffer.concat(pieces)));
  const within = bodies.map((body) => Uint8Array.from(Buffer.concat([hex("aa01"), Uint8Array.of(body.length & 127), body])));

  test("readKey() gives what the handler gets, whatever the bytes, and throws only invalid_argument", () => {
    let handled = 0;
    fc.assert(
      fc.property(fc.constantFrom(...keyNames), fc.oneof(bodies, within), (name, bytes) => {
        const message = decoded(KindsSchema, bytes);
        const found = key(name, bytes);
        if (!message) return;
        handled++;
        expect(found).toBe(keyOf(message, name));
      }),
      { numRuns: 4_000 },
    );
    expect(handled).toBeGreaterThan(500);
  });

  test("of a oneof only the member that came last is there", () => {
    const bytes = hex("c20101" + "61" + "c80105");
    expect([key("left", bytes), key("right", bytes)]).toEqual(["", "5"]);
    expect([key("left", hex("c80105" + "c20101" + "61")), key("right", hex("c80105" + "c20101" + "61"))]).toEqual(["a", "0"]);
  });

  test.each([
    // Field 3 is a bool, as a text of four bytes: a decoder takes 04 as true, and the "text" as the key.
    ["a wire type that does not fit", "0a0161" + "1a04" + "0a0162" + "20" + "01", "b"],
    // Field 21 has two bytes, the text in it has one: with it the child ends a byte late.
    ["a length that leads out of its message", "0a0161" + "aa0102" + "0a03" + "0a0162" + "", "a"],
    ["numbers that lead out of their list", "0a0161" + "b20101" + "80800a" + "0a0163", "c"],
    ["an entry of a map that is longer than it says", "0a0161" + "ba0103" + "0a0462636465" + "0a0164", "d"],
  ])("%s", (_what, hexText, seen) => {
    const bytes = hex(hexText);
    const message = decoded(KindsSchema, bytes);
    expect(message && keyOf(message, "text")).toBe(seen);
    expect(key("text", bytes)).toBe(seen);
  });

  test.each([101, 5_000])("%i messages in each other are too deep for it, as for the handler", (depth) => {
    let bytes: Uint8Array = hex("0a0161");
    for (let at = 0; at < depth; at++) {
      const { length } = bytes;
      const size =
        length < 128
          ? [length]
          : length < 16_384
            ? [(length & 127) | 128, length >> 7]
            : [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
      bytes = Uint8Array.from([0xaa, 0x01, ...size, ...bytes]);
    }
    expect(decoded(KindsSchema, bytes)).toBeUndefined();
    expect(key("text", bytes)).toBeUndefined();
  });
});
