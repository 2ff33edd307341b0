import { create, type Message } from "@bufbuild/protobuf";
import { AnySchema, anyPack, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type Codec, type MethodPolicy, packDeclared, reflectCodec, unpackDeclared } from "../../src/contract/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { BrokenSchema } from "../schema/gen/play/v1/play_pb.ts";

const broken = create(BrokenSchema, { part: "wheel" });
const errors: MethodPolicy["errors"] = {
  failed_precondition: { detail: reflectCodec(BrokenSchema) as Codec<Message> },
  aborted: { retryable: false },
  not_found: {},
};

const thrown = (code: NanoError["code"], detail?: Message): NanoError =>
  new NanoError({ code, message: "words", detail, metadata: { a: "b" }, cause: "why" });

describe("packDeclared()", () => {
  test("packs the detail that the method declares for the code", () => {
    const packed = packDeclared(errors, thrown("failed_precondition", broken)) as NanoError;
    expect(packed).toMatchObject({ code: "failed_precondition", message: "words", metadata: { a: "b" } });
    expect(packed.detail).toEqual(anyPack(BrokenSchema, broken));
    const given = new NanoError({ code: "failed_precondition", message: "", detail: broken, retryable: true });
    expect(packDeclared(errors, given)).toMatchObject({ retryable: true });
  });

  test.each([
    ["of a code that declares none", errors, "not_found", broken],
    ["of a code that is not declared", errors, "unavailable", broken],
    ["of another type", errors, "failed_precondition", create(StringValueSchema, { value: "x" })],
    ["that was packed elsewhere", errors, "failed_precondition", anyPack(BrokenSchema, broken)],
    ["where nothing is declared", undefined, "failed_precondition", broken],
  ] as const)("a detail %s stays behind, the rest goes", (_what, declared, code, detail) => {
    const original = thrown(code, detail);
    const packed = packDeclared(declared, original) as NanoError;
    expect(packed).toMatchObject({ code, message: "words", metadata: { a: "b" }, retryable: original.retryable });
    expect(packed.detail).toBeUndefined();
    expect(packed.cause).toBe(original);
  });

  test("whatever has no detail is given back as it is", () => {
    for (const reason of [thrown("not_found"), new Error("x"), "text", undefined])
      expect(packDeclared(errors, reason)).toBe(reason);
  });
});

describe("unpackDeclared()", () => {
  test("a declared code with its detail", () => {
    const error = unpackDeclared(errors, thrown("failed_precondition", anyPack(BrokenSchema, broken)));
    expect(error).toMatchObject({ declared: true, code: "failed_precondition", message: "words", metadata: { a: "b" } });
    expect(error.detail).toEqual(broken);
  });

  test.each([
    ["none came", undefined],
    ["another came", anyPack(StringValueSchema, create(StringValueSchema, { value: "x" }))],
    ["a malformed one came", create(AnySchema, { typeUrl: "type.googleapis.com/play.v1.Broken", value: Uint8Array.of(0x0a, 9) })],
  ])("a declared code is none of the declared errors where, of its detail, %s", (_what, detail) => {
    const came = thrown("failed_precondition", detail);
    expect(unpackDeclared(errors, came)).toBe(came);
    expect(came.declared).toBe(false);
  });

  test("a code that is declared without a detail is declared whatever comes with it", () => {
    const error = unpackDeclared(errors, thrown("not_found", anyPack(BrokenSchema, broken)));
    expect([error.declared, error.detail]).toEqual([true, undefined]);
  });

  test("the schema says whether to try again; else the code does", () => {
    expect(unpackDeclared(errors, thrown("aborted")).retryable).toBe(false);
    expect(unpackDeclared({ aborted: {} }, thrown("aborted")).retryable).toBe(true);
    expect(unpackDeclared({ not_found: { retryable: true } }, thrown("not_found")).retryable).toBe(true);
  });

  test("any other code is as it came", () => {
    const error = thrown("unavailable", broken);
    expect(unpackDeclared(errors, error)).toBe(error);
    expect(unpackDeclared(undefined, error)).toBe(error);
    expect(unpackDeclared(errors, new Error("x"))).toMatchObject({ code: "internal", declared: false });
  });

  test("what one packs the other unpacks", () => {
    const error = unpackDeclared(errors, packDeclared(errors, thrown("failed_precondition", broken)));
    expect(error.detail).toEqual(broken);
  });
});
