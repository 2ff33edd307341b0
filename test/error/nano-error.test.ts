import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { Code as ConnectCode, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { codes, isCode, NanoError } from "../../src/error/index.ts";

describe("the codes", () => {
  test("are the sixteen of gRPC, in its order", () => {
    expect(codes).toHaveLength(16);
    expect(new Set(codes).size).toBe(16);
    const numbers = codes.map(
      (code) => ConnectCode[code.replace(/(^|_)(.)/g, (_, __, letter) => letter.toUpperCase()) as "Unknown"],
    );
    expect(numbers).toEqual(codes.map((_, at) => at + 1));
  });

  test.each(["ok", "", "Unavailable", "UNAVAILABLE", "moved", "toString", "__proto__"])("%s is none", (text) => {
    expect(isCode(text)).toBe(false);
  });
  test.each(codes)("%s is one", (code) => expect(isCode(code)).toBe(true));
});

describe("NanoError", () => {
  test("has defaults for all but code and message", () => {
    const error = new NanoError({ code: "not_found", message: "no such room" });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: "NanoError",
      code: "not_found",
      message: "no such room",
      detail: undefined,
      metadata: {},
      retryable: false,
      declared: false,
    });
    expect("cause" in error).toBe(false);
    expect(error.stack).toContain("no such room");
  });

  test("keeps what it is given", () => {
    const cause = new Error("deep");
    const detail = create(StringValueSchema, { value: "d" });
    const error = new NanoError({
      code: "aborted",
      message: "m",
      cause,
      detail,
      metadata: { a: "b" },
      retryable: false,
      declared: true,
    });
    expect(error).toMatchObject({ cause, metadata: { a: "b" }, retryable: false, declared: true });
    expect(error.detail).toBe(detail);
  });

  test.each(codes)("whether %s may succeed later", (code) => {
    const retryable = code === "unavailable" || code === "resource_exhausted" || code === "aborted";
    expect(new NanoError({ code, message: "" }).retryable).toBe(retryable);
    expect(new NanoError({ code, message: "", retryable: !retryable }).retryable).toBe(!retryable);
  });
});

describe("NanoError.from()", () => {
  test("gives a NanoError back as it is", () => {
    const error = new NanoError({ code: "data_loss", message: "" });
    expect(NanoError.from(error)).toBe(error);
  });

  test("an abort is canceled, a timeout deadline_exceeded", async () => {
    const aborted = AbortSignal.abort().reason;
    expect(NanoError.from(aborted)).toMatchObject({ code: "canceled", cause: aborted });
    expect(NanoError.from(new DOMException("late", "TimeoutError"))).toMatchObject({
      code: "deadline_exceeded",
      message: "late",
    });
  });

  test.each(codes)("a Connect error %s keeps its code and its own words", (code) => {
    const error = new ConnectError("the words", codes.indexOf(code) + 1);
    expect(NanoError.from(error)).toMatchObject({ code, message: "the words", cause: error });
  });

  test("an error of another copy of this package keeps its code", () => {
    const other = Object.assign(new Error("theirs"), { name: "NanoError", code: "not_found" });
    expect(NanoError.from(other)).toMatchObject({ code: "not_found", message: "theirs", cause: other });
    const odd = Object.assign(new Error("theirs"), { name: "NanoError", code: "odd" });
    expect(NanoError.from(odd)).toMatchObject({ code: "internal" });
  });

  test("any other error is internal, also one of the system that has a code", () => {
    const system = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    expect(NanoError.from(system)).toMatchObject({ code: "internal", cause: system });
    const named = Object.assign(new Error("odd"), { code: "not_found" });
    expect(NanoError.from(named)).toMatchObject({ code: "internal" });
  });

  test.each([
    ["a text", "words"],
    ["nothing", undefined],
    ["null", null],
    ["a number", 5],
    ["a symbol", Symbol("s")],
    ["an object", {}],
    ["an object without a prototype", Object.create(null)],
    [
      "an object that cannot be a text",
      {
        toString() {
          throw new Error("no text");
        },
      },
    ],
  ])("%s is internal", (_what, thrown) => {
    const error = NanoError.from(thrown);
    expect(error).toMatchObject({ code: "internal", message: expect.any(String) });
    expect(error.cause).toBe(thrown);
  });
});
