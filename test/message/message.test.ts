import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeMessage, encodeMessage, MessageError, MessageKind } from "../../src/message/index.ts";
import { bytesOf, vector, vectors } from "../vectors/vectors.ts";

const messages = vectors.valid.flatMap((one) => {
  const bytes = bytesOf(one);
  if (one.scope === "message") return [{ ...one, bytes }];
  return one.scope === "packet" && bytes[0] === 4 ? [{ ...one, bytes: bytes.subarray(4) }] : [];
});

const decode = (bytes: Uint8Array) => decodeMessage(bytes, 0, bytes.length);

describe("decodeMessage()", () => {
  test.each(messages)("$id, $what: read, and written to the same bytes", ({ bytes }) => {
    const message = decode(bytes);
    expect(encodeMessage(message, bytes.subarray(message.bodyFrom, message.bodyTo))).toEqual(Uint8Array.from(bytes));
  });

  test.each([
    ["V13", { kind: MessageKind.request, id: 300, route: "room.room.join" }],
    ["V15", { kind: MessageKind.request, id: 2 ** 32 - 1, route: "a.b" }],
    ["V16", { kind: MessageKind.request, id: 5, route: undefined, code: 258 }],
    ["V20", { kind: MessageKind.response, id: 2, error: true }],
    ["V25", { kind: MessageKind.request, id: 9, compressed: true }],
  ])("%s says %j", (id, expected) => {
    expect(decode(bytesOf(vector(id)).subarray(4))).toMatchObject(expected);
  });

  test.each(["X5", "X6", "X7", "X10", "X11"])("refuses %s", (id) => {
    expect(() => decode(bytesOf(vector(id)))).toThrow(MessageError);
  });
  test.each(vectors.invalid.filter(({ id }) => id === "X8"))("refuses $hex, which is no kind of message", (one) => {
    expect(() => decode(bytesOf(one))).toThrow(MessageError);
  });

  test("X13: an empty route is read, and refused later", () =>
    expect(decode(bytesOf(vector("X13")))).toMatchObject({ id: 1, route: "" }));
  test("X14: an id with more bytes than it needs", () =>
    expect(decode(bytesOf(vector("X14")))).toMatchObject({ id: 1, route: "a.b" }));
  test("X15: bits 6 and 7 mean nothing", () => expect(decode(bytesOf(vector("X15")))).toMatchObject({ id: 1, route: "a.b" }));

  test("any bytes: a message, or MessageError", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), readable), { numRuns: 5_000 });
  });

  test("the vectors with bytes changed: a message, or MessageError", () => {
    const change = fc.record({ at: fc.nat(200), byte: fc.nat(255), cut: fc.nat(200) });
    fc.assert(
      fc.property(fc.constantFrom(...messages), fc.array(change, { minLength: 1, maxLength: 4 }), ({ bytes }, changes) => {
        let changed = Uint8Array.from(bytes);
        for (const { at, byte, cut } of changes) {
          if (changed.length > 0) changed[at % changed.length] = byte;
          if (cut % 4 === 0) changed = changed.slice(0, cut % (changed.length + 1));
        }
        readable(changed);
      }),
      { numRuns: 20_000 },
    );
  });
});

describe("encodeMessage()", () => {
  test("what is written is read again", () => {
    const header = fc.record({
      kind: fc.integer({ min: 0, max: 3 }),
      id: fc.maxSafeNat(),
      route: fc.string({ unit: "grapheme", maxLength: 20 }),
      code: fc.integer({ min: -1, max: 0xffff }),
      compressed: fc.boolean(),
      error: fc.boolean(),
    });
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 40 }), (given, body) => {
        const bytes = encodeMessage({ ...given, kind: given.kind as MessageKind }, body);
        const message = decode(bytes);
        expect(message.kind).toBe(given.kind);
        expect([message.compressed, message.error]).toEqual([given.compressed, given.error]);
        if (given.kind === MessageKind.request || given.kind === MessageKind.response) expect(message.id).toBe(given.id);
        if (given.kind !== MessageKind.response) {
          expect(given.code >= 0 ? message.code : message.route).toBe(given.code >= 0 ? given.code : given.route.toWellFormed());
        }
        expect(bytes.subarray(message.bodyFrom, message.bodyTo)).toEqual(body);
      }),
      { numRuns: 1_000 },
    );
  });

  test("a route has at most 255 bytes, an id at most 53 bits", () => {
    const header = { kind: MessageKind.notify, id: 0, route: "r".repeat(255), code: -1, compressed: false, error: false };
    expect(decode(encodeMessage(header, new Uint8Array(0))).route).toHaveLength(255);
    expect(() => encodeMessage({ ...header, route: "r".repeat(256) }, new Uint8Array(0))).toThrow(MessageError);
    expect(() => encodeMessage({ ...header, route: "ä".repeat(128) }, new Uint8Array(0))).toThrow(MessageError);
    expect(() => encodeMessage({ ...header, kind: MessageKind.request, id: 2 ** 53 }, new Uint8Array(0))).toThrow(MessageError);
  });
});

function readable(bytes: Uint8Array): void {
  try {
    const message = decode(bytes);
    expect(message.bodyFrom).toBeLessThanOrEqual(message.bodyTo);
  } catch (reason) {
    expect(reason).toBeInstanceOf(MessageError);
  }
}
