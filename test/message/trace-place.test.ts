import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/contract/index.ts";
import {
  decodeMessage,
  decodeTracePlace,
  encodeTracePlace,
  MessageError,
  MessageKind,
  writeMessageHeader,
} from "../../src/message/index.ts";

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

describe("a place in a trace, before a body", () => {
  test("is read as it was written, and the body begins behind it", () => {
    const writer = new ByteWriter(64);
    const header = { kind: MessageKind.request, id: 1, route: "a.b", code: -1, compressed: false, error: false };
    writeMessageHeader(writer, { ...header, trace: encodeTracePlace(traceparent) });
    writer.bytes(Uint8Array.of(9));
    const bytes = writer.slice(0, writer.length);
    const message = decodeMessage(bytes, 0, bytes.length);
    expect(message).toMatchObject({ id: 1, route: "a.b", traced: true });
    const place = decodeTracePlace(bytes, message.bodyFrom, message.bodyTo);
    expect(place).toEqual({ traceparent, bodyFrom: bytes.length - 1 });
  });

  test("is cut short: refused", () => {
    expect(() => decodeTracePlace(new Uint8Array(24), 0, 24)).toThrow(MessageError);
  });

  test.each(["", "00-xyz", `${traceparent}-more`, traceparent.toUpperCase()])("%j names none", (text) => {
    expect(encodeTracePlace(text)).toBeUndefined();
  });
});
