import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodePacket, exactPacket, maxPacketBodyBytes, PacketDecoder, PacketError, PacketType } from "../../src/packet/index.ts";
import { bytesOf, vector, vectors } from "../vectors/vectors.ts";

interface Taken {
  readonly type: number;
  readonly body: Uint8Array;
}

function decodeAll(pieces: readonly Uint8Array[], maxPacketBytes = 65_536): Taken[] {
  const taken: Taken[] = [];
  const decoder = new PacketDecoder({ maxPacketBytes });
  for (const piece of pieces) {
    decoder.push(piece, (type, buffer, from, to) => {
      taken.push({ type, body: buffer.slice(from, to) });
      return true;
    });
  }
  return taken;
}

const packets = vectors.valid.filter(({ scope }) => scope !== "message");

describe("PacketDecoder", () => {
  test.each(packets)("$id, $what: whole, and split at every byte", (one) => {
    const bytes = bytesOf(one);
    const whole = decodeAll([bytes]);
    expect(whole).toHaveLength(one.scope === "packets" ? 2 : 1);
    expect(Buffer.concat(whole.map(({ type, body }) => encodePacket(type as PacketType, body))).toString("hex")).toBe(one.hex);
    for (let at = 0; at <= bytes.length; at++) expect(decodeAll([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    expect(decodeAll(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test.each(vectors.invalid.filter(({ id }) => id === "X1"))("refuses $hex at its first byte", ({ hex }) => {
    expect(() => decodeAll([bytesOf({ hex }).subarray(0, 1)])).toThrow(PacketError);
  });

  test("takes a packet at the limit, refuses one byte more as soon as it is announced", () => {
    const body = new Uint8Array(60);
    expect(decodeAll([encodePacket(PacketType.data, body)], 64)).toHaveLength(1);
    expect(() => decodeAll([encodePacket(PacketType.data, new Uint8Array(61)).subarray(0, 4)], 64)).toThrow(PacketError);
  });

  test("stops where its taker says so", () => {
    const decoder = new PacketDecoder({ maxPacketBytes: 64 });
    let taken = 0;
    const two = joined([encodePacket(PacketType.heartbeat, new Uint8Array(0)), encodePacket(PacketType.data, Uint8Array.of(1))]);
    decoder.push(two, () => {
      taken++;
      return false;
    });
    expect(taken).toBe(1);
  });

  test("any bytes, in any pieces: packets, or PacketError", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 }), (pieces) => {
        try {
          for (const { type } of decodeAll(pieces, 256)) expect(type).toBeGreaterThan(0);
        } catch (reason) {
          expect(reason).toBeInstanceOf(PacketError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("what is encoded comes back, however it is split", () => {
    const packet = fc.record({ type: fc.integer({ min: 1, max: 5 }), body: fc.uint8Array({ maxLength: 300 }) });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 8 }), (all, cuts) => {
        const bytes = joined(all.map(({ type, body }) => encodePacket(type as PacketType, body)));
        const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(decodeAll(pieces)).toEqual(all.map(({ type, body }) => ({ type, body: Uint8Array.from(body) })));
      }),
      { numRuns: 500 },
    );
  });
});

describe("exactPacket()", () => {
  test.each(["X2", "X3", "X4"])("refuses %s, a WebSocket message that is not one packet", (id) => {
    expect(() => exactPacket(bytesOf(vector(id)))).toThrow(PacketError);
  });
  test("gives the type of one packet", () => expect(exactPacket(bytesOf(vector("V7")))).toBe(PacketType.handshakeAck));
});

test("a body over 24 bits cannot be announced", () => {
  expect(() => encodePacket(PacketType.data, new Uint8Array(maxPacketBodyBytes + 1))).toThrow(PacketError);
});

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}
