import { create, createRegistry, toBinary } from "@bufbuild/protobuf";
import { AnySchema, anyPack, BytesValueSchema, EmptySchema, StringValueSchema, StructSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NanoError } from "../../src/error/index.ts";
import { createJsonSerializer, padEmptyProtobuf, protobufSerializer } from "../../src/serializer/index.ts";
import { fromCesu8 } from "../../src/text/index.ts";
import { anyFields, KindsSchema, kinds } from "./kinds.ts";

const json = createJsonSerializer();
const ascii = createJsonSerializer({ ascii: true });
const serializers = [
  ["protobuf", protobufSerializer],
  ["json", json],
  ["ascii json", ascii],
] as const;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const read = (text: string): unknown => json.decode(KindsSchema, bytesOf(text));

/** What `read` throws. Fails where it throws nothing, or anything but what a serializer may. */
function refusal(read: () => unknown): NanoError {
  try {
    read();
  } catch (reason) {
    if (!(reason instanceof NanoError)) throw reason;
    expect(reason.code).toBe("invalid_argument");
    return reason;
  }
  throw new Error("it was taken");
}

describe.each(serializers)("%s", (_name, serializer) => {
  test("what is encoded comes back", () => {
    fc.assert(
      fc.property(anyFields, (fields) => {
        const message = kinds(fields);
        const back = serializer.decode(KindsSchema, serializer.encode(KindsSchema, message));
        expect(toBinary(KindsSchema, back)).toEqual(toBinary(KindsSchema, message));
      }),
      { numRuns: 500 },
    );
  });

  test("any bytes give a message or invalid_argument", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          expect(serializer.decode(KindsSchema, bytes)).toHaveProperty("$typeName", "test.Kinds");
        } catch (reason) {
          expect(reason).toMatchObject({ name: "NanoError", code: "invalid_argument" });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("a message with any bytes changed, cut or put in gives a message or invalid_argument", () => {
    fc.assert(
      fc.property(anyFields, fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 3 }), (fields, place, gone, instead) => {
        const whole = serializer.encode(KindsSchema, kinds(fields));
        const at = place % (whole.length + 1);
        const bytes = Uint8Array.from([...whole.subarray(0, at), ...instead, ...whole.subarray(at + gone)]);
        try {
          serializer.decode(KindsSchema, bytes);
        } catch (reason) {
          expect(reason).toMatchObject({ name: "NanoError", code: "invalid_argument" });
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test("nothing in a message is still the bytes it came from, be they a Buffer", () => {
    const message = create(BytesValueSchema, { value: Uint8Array.of(1, 2, 3) });
    for (const bytes of [
      serializer.encode(BytesValueSchema, message),
      Buffer.from(serializer.encode(BytesValueSchema, message)),
    ]) {
      const back = serializer.decode(BytesValueSchema, bytes);
      bytes.fill(9);
      expect([...back.value]).toEqual([1, 2, 3]);
    }
  });

  test("an empty body is the empty message", () => {
    expect(serializer.decode(KindsSchema, new Uint8Array(0))).toEqual(kinds({}));
    expect(serializer.decode(EmptySchema, new Uint8Array(0))).toEqual(create(EmptySchema));
  });

  test("an error names the message, is short, and keeps its cause", () => {
    const long = `"${"x".repeat(5_000)}":1`;
    const error = refusal(() => serializer.decode(KindsSchema, bytesOf(`{${long},${long}}`)));
    expect(error.message).toMatch(/^no test\.Kinds: ./);
    expect(error.message.length).toBeLessThan(200);
    expect(error.cause).toBeInstanceOf(Error);
    expect(error.retryable).toBe(false);
  });
});

describe("protobuf", () => {
  /** Kinds in kinds, so many in all. */
  function nested(depth: number): Uint8Array {
    let bytes: Uint8Array = new Uint8Array(0);
    for (let at = 1; at < depth; at++) {
      const head = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
      bytes = Uint8Array.from([0xaa, 0x01, ...head, ...bytes]);
    }
    return bytes;
  }

  test("nests a hundred deep, and no deeper", () => {
    expect(protobufSerializer.decode(KindsSchema, nested(100))).toHaveProperty("child");
    refusal(() => protobufSerializer.decode(KindsSchema, nested(101)));
  });

  test("groups in groups do not end the stack", () => {
    refusal(() => protobufSerializer.decode(KindsSchema, new Uint8Array(200_000).fill(0xe3)));
  });

  test.each([
    ["a length beyond the end", "0a05616263"],
    ["a length of 4 GiB", "0affffffff0f61"],
    ["a varint of eleven bytes", "20ffffffffffffffffffff01"],
    ["field 0", "0000"],
    ["a tag alone", "0a"],
    ["text that is no UTF-8", "0a02ff61"],
    ["wire type 7", "0f"],
    ["an end of a group that never began", "0c"],
  ])("%s is refused", (_what, hex) => {
    refusal(() => protobufSerializer.decode(KindsSchema, Buffer.from(hex, "hex")));
  });

  test("unknown fields are kept, so that servers in between lose nothing", () => {
    const bytes = Uint8Array.of(0xc0, 0xa3, 0x09, 0x05);
    expect(protobufSerializer.encode(KindsSchema, protobufSerializer.decode(KindsSchema, bytes))).toEqual(bytes);
  });

  test("an empty body is padded with a field that every decoder skips, any other is left alone", () => {
    const padded = padEmptyProtobuf(new Uint8Array(0));
    expect(padded.length).toBeGreaterThan(0);
    expect(protobufSerializer.decode(KindsSchema, padded)).toMatchObject({ text: "", i32: 0 });
    const some = Uint8Array.of(8, 1);
    expect(padEmptyProtobuf(some)).toBe(some);
  });
});

describe("JSON", () => {
  test("is protobuf's own: 64 bits as text, bytes in base64, enums by name", () => {
    const message = kinds({
      i64: -(2n ** 63n),
      u64: 2n ** 64n - 1n,
      raw: Uint8Array.of(0xfb, 0xff),
      color: 3,
      twice: Number.NaN,
    });
    expect(JSON.parse(textOf(json.encode(KindsSchema, message)))).toEqual({
      i64: "-9223372036854775808",
      u64: "18446744073709551615",
      raw: "+/8=",
      color: "GREEN",
      twice: "NaN",
    });
  });

  test.each([
    ["64 bits as text", '{"i64":"9223372036854775807"}', { i64: 2n ** 63n - 1n }],
    ["64 bits as a number", '{"i64":12}', { i64: 12n }],
    ["bytes in either base64", '{"raw":"-_8"}', { raw: Uint8Array.of(0xfb, 0xff) }],
    ["enums by name", '{"color":"BLUE"}', { color: 6 }],
    ["enums by number, also unknown ones", '{"color":77}', { color: 77 }],
    ["numbers as text", '{"i32":"5","twice":"-Infinity"}', { i32: 5, twice: Number.NEGATIVE_INFINITY }],
    ["null as absent", '{"text":null,"child":null}', { text: "" }],
    ["fields nobody knows", '{"i32":1,"new":{"x":[1,{}]}}', { i32: 1 }],
    ["space around it", ' \n{"i32":1}\t', { i32: 1 }],
    ["a byte order mark before it", '\ufeff{"i32":1}', { i32: 1 }],
    ["brackets inside of text", `{"text":"${"[{".repeat(200)}\\"${"[".repeat(200)}"}`, { i32: 0 }],
  ])("takes %s", (_what, text, expected) => expect(read(text)).toMatchObject(expected));

  test.each([
    ["64 bits and one more", '{"i64":"9223372036854775808"}'],
    ["a negative number without sign", '{"u64":"-1"}'],
    ["32 bits and one more", '{"i32":2147483648}'],
    ["a fraction for a whole number", '{"i32":1.5}'],
    ["a number beyond all doubles", '{"twice":1e400}'],
    ["a number beyond all doubles, for 64 bits", '{"i64":1e400}'],
    ["a thousand digits", `{"i64":"${"9".repeat(1_000)}"}`],
    ["bytes that are no base64", '{"raw":"???"}'],
    ["true as text", '{"yes":"true"}'],
    ["a list for a message", '{"child":[]}'],
    ["two sides of one oneof", '{"left":"a","right":1}'],
    ["a field twice", '{"i32":1,"i32":2}'],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "1"],
    ["only space", "  "],
    ["two objects", "{}{}"],
    ["an open object", '{"i32":1'],
    ["an open text that ends in a backslash", '{"text":"\\'],
    ["a comment", "{}//"],
    ["a byte order mark inside", '{\ufeff"i32":1}'],
  ])("refuses %s", (_what, text) => void refusal(() => read(text)));

  test("a text may name __proto__, and only that object has it", () => {
    expect(read('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}')).toEqual(kinds({}));
    const names = Object.entries((read('{"names":{"__proto__":"a","toString":"b"}}') as { names: object }).names);
    expect(names).toEqual([
      ["__proto__", "a"],
      ["toString", "b"],
    ]);
    const struct = json.decode(StructSchema, bytesOf('{"__proto__":{"polluted":1}}'));
    expect(Object.keys(struct.fields)).toEqual(["__proto__"]);
    expect({}).not.toHaveProperty("polluted");
  });

  test("messages nest a hundred deep, and no deeper", () => {
    const nested = (depth: number): string => `${'{"child":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;
    expect(read(nested(100))).toHaveProperty("child");
    refusal(() => read(nested(101)));
  });

  test("what is ignored nests 127 deep below the message, and no deeper", () => {
    const nested = (depth: number): string => `{"new":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(read(nested(127))).toEqual(kinds({}));
    expect(refusal(() => read(nested(128))).message).toContain("nested too deeply");
    refusal(() => read(`{"new":${"[".repeat(1_000_000)}`));
    refusal(() => read(`{"new":${'{"a":'.repeat(200_000)}`));
  });

  test("wide is not deep", () => {
    expect(read(`{"new":[${"[],{},".repeat(1_000)}0]}`)).toEqual(kinds({}));
  });

  test("bytes that are no UTF-8 are read as the sign that stands for them", () => {
    const bytes = Uint8Array.from([...bytesOf('{"text":"a'), 0xff, 0xc3, ...bytesOf('b"}')]);
    expect(json.decode(KindsSchema, bytes)).toMatchObject({ text: "a\ufffd\ufffdb" });
  });

  test("in ASCII every byte is below 0x7f, and the text is the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
        const bytes = ascii.encode(KindsSchema, kinds({ text }));
        expect(Math.max(...bytes)).toBeLessThan(0x7f);
        expect(ascii.decode(KindsSchema, bytes)).toMatchObject({ text });
      }),
      { examples: [["\u007f\u0080\u{1f600}"]] },
    );
  });

  test("the messages of Any fields are found in the registry of the time", () => {
    const packed = anyPack(StringValueSchema, create(StringValueSchema, { value: "hi" }));
    let registry = createRegistry();
    const knowing = createJsonSerializer({ registry: () => registry });
    expect(() => knowing.encode(AnySchema, packed)).toThrow();
    registry = createRegistry(StringValueSchema);
    const text = textOf(knowing.encode(AnySchema, packed));
    expect(JSON.parse(text)).toEqual({ "@type": "type.googleapis.com/google.protobuf.StringValue", value: "hi" });
    expect(toBinary(AnySchema, knowing.decode(AnySchema, bytesOf(text)))).toEqual(toBinary(AnySchema, packed));
    refusal(() => json.decode(AnySchema, bytesOf(text)));
  });
});

describe("fromCesu8()", () => {
  /** As the browser clients of pomelo write it: each UTF-16 unit on its own. */
  function cesu8(text: string): Uint8Array {
    const bytes: number[] = [];
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit < 0x80) bytes.push(unit);
      else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
      else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
    }
    return Uint8Array.from(bytes);
  }

  test("gives UTF-8, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        expect(textOf(fromCesu8(cesu8(text)))).toBe(text);
      }),
      { numRuns: 1_000 },
    );
    expect(json.decode(KindsSchema, cesu8('{"text":"\u{10ffff}\u{10000}\u{1f600}"}'))).toMatchObject({
      text: "\u{10ffff}\u{10000}\u{1f600}",
    });
  });

  test("gives UTF-8 back as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        const bytes = bytesOf(text);
        expect(fromCesu8(bytes)).toBe(bytes);
      }),
    );
  });

  test.each([
    ["a high surrogate alone", "eda0bd"],
    ["a high surrogate at the end, cut", "61eda0"],
    ["a low surrogate alone", "edb880"],
    ["two that stand the wrong way round", "edb880eda0bd"],
    ["two, the second cut", "eda0bdedb8"],
    ["two, with something between", "eda0bd61edb880"],
    ["Hangul, which begins with ED too", "ed959cea b8 80".replaceAll(" ", "")],
  ])("leaves %s alone", (_what, hex) => {
    const bytes = Uint8Array.from(Buffer.from(hex, "hex"));
    expect(fromCesu8(bytes)).toBe(bytes);
  });

  test("never gives more bytes, and never throws, for any bytes", () => {
    const byte = fc.oneof(fc.constantFrom(0xed, 0xa0, 0xb0, 0xbf, 0x80), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 40 }), (bytes) => {
        expect(fromCesu8(Uint8Array.from(bytes)).length).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 2_000 },
    );
  });
});
