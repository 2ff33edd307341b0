import { describe, expect, test } from "vitest";
import { spanContextOf } from "../../src/tracing/trace-context.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("what names a place in a trace", () => {
  test("by version 00, with the state of other vendors", () => {
    const context = spanContextOf({ traceparent, tracestate: "vendor=1" });
    expect(context).toMatchObject({ traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 });
    expect(context?.traceState?.get("vendor")).toBe("1");
  });

  test.each([
    "",
    "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
    "\n00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
  ])("%j names none", (text) => {
    expect(spanContextOf({ traceparent: text, tracestate: "" })).toBeUndefined();
  });

  test("a state that is too long is left out", () => {
    expect(spanContextOf({ traceparent, tracestate: `a=${"x".repeat(600)}` })?.traceState).toBeUndefined();
  });
});
