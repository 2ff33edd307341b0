import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NanoError } from "../../src/error/index.ts";
import { EnvelopeDecoder, endStreamFlag, envelopeHeaderBytes, writeEnvelopeHeader } from "../../src/link/index.ts";
import { envelope } from "./raw-link.ts";

const maxBytes = 300;

interface Read {
  readonly flags: number;
  readonly body: string;
}

/** What a decoder reads of pieces, and the error that it ends with. */
function decode(pieces: readonly Uint8Array[], decoder = new EnvelopeDecoder(maxBytes)): { read: Read[]; error: unknown } {
  const read: Read[] = [];
  try {
    for (const piece of pieces) {
      // As from a socket: the buffer is used again.
      const lent = piece.slice();
      decoder.push(lent, (flags, body) => read.push({ flags, body: hex(body) }));
      lent.fill(0xee);
    }
    return { read, error: undefined };
  } catch (error) {
    return { read, error };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}

/** Bytes in pieces, cut where the numbers say. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...new Set(at.map((one) => one % (bytes.length + 1)))].sort((one, other) => one - other);
  return [...ends, bytes.length].map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

const flagsOf = fc.constantFrom(0, endStreamFlag);
const bodies = fc.array(fc.tuple(flagsOf, fc.uint8Array({ maxLength: maxBytes, size: "max" })), { maxLength: 6 });
const cuts = fc.array(fc.nat(2_000), { maxLength: 12 });

describe("EnvelopeDecoder", () => {
  test("reads what was written, however it was split", () => {
    fc.assert(
      fc.property(bodies, cuts, (all, at) => {
        const bytes = joined(all.map(([flags, body]) => envelope(body, flags)));
        const { read, error } = decode(cut(bytes, at));
        expect(error).toBeUndefined();
        expect(read).toEqual(all.map(([flags, body]) => ({ flags, body: hex(body) })));
      }),
    );
  });

  test("reads the same at every split of two envelopes", () => {
    const bytes = joined([envelope(Uint8Array.of(1, 2, 3)), envelope(new Uint8Array(0)), envelope(Uint8Array.of(4), 2)]);
    const whole = decode([bytes]);
    expect(whole.read).toHaveLength(3);
    for (let at = 0; at <= bytes.length; at++) expect(decode([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
    expect(decode(Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)))).toEqual(whole);
  });

  test.each([
    [maxBytes, undefined],
    [maxBytes + 1, "resource_exhausted"],
    [0xffff_ffff, "resource_exhausted"],
    [0x8000_0000, "resource_exhausted"],
  ])("takes a body of %i bytes, or refuses it by its header alone", (length, code) => {
    const header = new Uint8Array(envelopeHeaderBytes);
    writeEnvelopeHeader(header, 0, 0, length);
    const { error } = decode([header]);
    expect(error === undefined ? undefined : NanoError.from(error).code).toBe(code);
  });

  test.each([0x01, 0x03, 0x04, 0x80, 0xff])("refuses the flags %i", (flags) => {
    expect(decode([envelope(new Uint8Array(1), flags)]).error).toMatchObject({ code: "unimplemented" });
  });

  test("keeps to a new limit from the next envelope on", () => {
    const decoder = new EnvelopeDecoder(10);
    const seen: number[] = [];
    const two = joined([envelope(new Uint8Array(10)), envelope(new Uint8Array(11))]);
    decoder.push(two, (_flags, body) => {
      seen.push(body.length);
      decoder.maxBytes = 11;
    });
    expect(seen).toEqual([10, 11]);
  });

  test("reads any bytes as envelopes, or ends with one of its two errors; the same however they are split", () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 600, size: "max" }),
      // Well-formed but for some bytes.
      fc.tuple(bodies, fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 3 })).map(([all, changes]) => {
        const bytes = joined(all.map(([flags, body]) => envelope(body, flags)));
        for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
        return bytes;
      }),
    );
    fc.assert(
      fc.property(noise, cuts, (bytes, at) => {
        const whole = decode([bytes]);
        if (whole.error !== undefined) {
          expect(whole.error).toBeInstanceOf(NanoError);
          expect(["resource_exhausted", "unimplemented"]).toContain(NanoError.from(whole.error).code);
        }
        const split = decode(cut(bytes, at));
        expect(split.read).toEqual(whole.read);
        expect(String(split.error)).toBe(String(whole.error));
      }),
      { numRuns: 500 },
    );
  });
});
