import { describe, expect, test } from "vitest";
import { asCall } from "../../src/contract/index.ts";
import { NanoError } from "../../src/error/index.ts";

describe("asCall()", () => {
  test("is awaited as the promise that it is", async () => {
    const promise = Promise.resolve(5);
    const call = asCall(promise);
    expect(call).toBe(promise);
    expect(await call).toBe(5);
    expect(await call.result()).toEqual({ ok: true, value: 5 });
  });

  test("a failure throws when awaited, and is a value when asked for", async () => {
    const error = new NanoError({ code: "not_found", message: "" });
    const call = asCall(Promise.reject(error));
    await expect(call).rejects.toBe(error);
    const result = await call.result();
    expect(result.ok).toBe(false);
    expect(!result.ok && result.error).toBe(error);
  });

  test.each([new Error("x"), "text", undefined, Object.create(null)])(
    "result() never throws, whatever was thrown",
    async (reason) => {
      const result = await asCall(Promise.reject(reason)).result();
      expect(!result.ok && result.error).toMatchObject({ name: "NanoError", code: "internal" });
    },
  );
});
