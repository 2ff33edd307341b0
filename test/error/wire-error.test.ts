import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type Any, AnySchema, anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { codes, fromWireError, NanoError, publicError, toWireError, unpackDetail } from "../../src/error/index.ts";
import { type Broken, BrokenSchema } from "../schema/gen/play/v1/play_pb.ts";

const broken = create(BrokenSchema, { part: "wheel" });
const packed = anyPack(BrokenSchema, broken);

/** An error as it is on the other side. */
function travelled(error: NanoError): NanoError {
  return fromWireError(fromBinary(ErrorSchema, toBinary(ErrorSchema, toWireError(error))));
}

describe("what clients are shown", () => {
  test("a NanoError, as it is", () => {
    const error = new NanoError({ code: "internal", message: "meant to be seen" });
    expect(publicError(error)).toBe(error);
  });

  test.each([
    ["an error", new TypeError("secret")],
    ["an abort", AbortSignal.abort("secret").reason],
    ["an error of another copy", Object.assign(new Error("secret"), { name: "NanoError", code: "not_found" })],
    // In JavaScript a code may be anything.
    ["a NanoError whose code is none of the sixteen", new NanoError({ code: "secret" as "internal", message: "secret" })],
    ["a text", "secret"],
    ["an object without a prototype", Object.create(null)],
  ])("of %s only that it happened; the cause stays for the log", (_what, thrown) => {
    const error = publicError(thrown);
    expect(error.cause).toBe(thrown);
    const wire = toWireError(error);
    expect(wire).toMatchObject({ code: "internal", msg: "internal error", metadata: {}, details: [] });
    expect(Buffer.from(toBinary(ErrorSchema, wire)).toString()).not.toContain("secret");
  });

  test("of a cause and a stack nothing", () => {
    const error = new NanoError({ code: "not_found", message: "gone", cause: new Error("secret") });
    const text = Buffer.from(toBinary(ErrorSchema, toWireError(error))).toString();
    expect(text).toContain("gone");
    expect(text).not.toContain("secret");
    expect(text).not.toContain("wire-error.test");
  });
});

describe("an error that travels", () => {
  test("keeps code, words and metadata, for any of them", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    const metadata = fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor")), text, { maxKeys: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...codes), text, metadata, (code, message, given) => {
        const error = travelled(new NanoError({ code, message, metadata: given }));
        expect(error).toMatchObject({ code, message, declared: false });
        expect(Object.entries(error.metadata).sort()).toEqual(Object.entries(given).sort());
      }),
    );
    expect({}).not.toHaveProperty("polluted");
  });

  test("keeps a packed detail, packed", () => {
    const error = travelled(new NanoError({ code: "aborted", message: "", detail: packed }));
    expect(error.detail?.$typeName).toBe(AnySchema.typeName);
    expect(unpackDetail(error.detail, BrokenSchema)).toEqual(broken);
  });

  test("leaves a detail behind that nobody packed", () => {
    expect(toWireError(new NanoError({ code: "aborted", message: "", detail: broken })).details).toEqual([]);
  });

  test("does not keep whether it was declared or may succeed later: that is the schema's", () => {
    const error = travelled(new NanoError({ code: "not_found", message: "", retryable: true, declared: true }));
    expect(error).toMatchObject({ retryable: false, declared: false });
  });

  test("a code that is none is unknown, and stands in the metadata", () => {
    const wire = create(ErrorSchema, { code: "PIT-400", msg: "m", metadata: { a: "b" } });
    expect(fromWireError(wire)).toMatchObject({ code: "unknown", message: "m", metadata: { a: "b", code: "PIT-400" } });
    expect(fromWireError(create(ErrorSchema))).toMatchObject({ code: "unknown", message: "", metadata: { code: "" } });
  });

  test("of several details the first counts", () => {
    const wire = create(ErrorSchema, {
      code: "aborted",
      details: [packed, anyPack(StringValueSchema, create(StringValueSchema))],
    });
    expect(unpackDetail(fromWireError(wire).detail, BrokenSchema)).toEqual(broken);
  });
});

describe("unpackDetail()", () => {
  const any = (typeUrl: string, value: Uint8Array): Any => create(AnySchema, { typeUrl, value });
  const read = (detail: Any | Broken | undefined): Broken | undefined => unpackDetail(detail, BrokenSchema);

  test("reads a packed one, and gives an unpacked one back", () => {
    expect(read(packed)).toEqual(broken);
    expect(read(broken)).toBe(broken);
  });

  test.each([
    ["none", undefined],
    ["another message", create(StringValueSchema, { value: "x" }) as unknown as Broken],
    ["another message, packed", anyPack(StringValueSchema, create(StringValueSchema, { value: "x" }))],
    ["bytes that are no message", any(packed.typeUrl, Uint8Array.of(0x0a, 0xff))],
    ["no type", any("", packed.value)],
  ])("%s is undefined", (_what, detail) => expect(read(detail)).toBeUndefined());

  test("any type and bytes give the message or undefined", () => {
    const type = fc.oneof(fc.constant(packed.typeUrl), fc.string());
    fc.assert(
      fc.property(type, fc.uint8Array({ maxLength: 20 }), (typeUrl, value) => {
        expect([undefined, BrokenSchema.typeName]).toContain(read(any(typeUrl, value))?.$typeName);
      }),
      { numRuns: 500 },
    );
  });
});
