import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRecordSeal, encodeRecord } from "../../src/discovery/index.ts";
import { maxRecordBytes } from "../../src/discovery/record.ts";
import { createClusterCounters } from "../../src/metrics/index.ts";
import { info } from "./member.ts";

interface Signed {
  readonly name: string;
  readonly token: string;
  readonly derivedKeyHex: string;
  readonly key: string;
  readonly json: string;
  readonly signature: string;
  readonly value: string;
}

const { records }: { readonly records: readonly Signed[] } = JSON.parse(
  readFileSync(new URL("../vectors/record.json", import.meta.url), "utf8"),
);
const token = "a secret of the cluster, over 32 bytes";
const next = "the next secret, which is 32 bytes too";
const key = "/nano/servers/room/room-1";
const json = encodeRecord(info("room-1", { metadata: { map: "wüste" } }), "room");

test.each(records)("the vector $name is what is written, and read", (vector) => {
  const seal = createRecordSeal([vector.token]);
  expect(seal.sign(vector.key, vector.json)).toBe(vector.value);
  expect(seal.open(vector.key, vector.value)).toEqual({ json: vector.json });
  // As record.proto tells it to those who have no HKDF.
  const hmac = (by: Buffer, text: string): Buffer => createHmac("sha256", by).update(text).digest();
  const derived = hmac(hmac(Buffer.alloc(32), vector.token), "nano/record/1\x01");
  expect(derived.toString("hex")).toBe(vector.derivedKeyHex);
  expect(hmac(derived, `${vector.key}\n${vector.json}`).toString("base64")).toBe(vector.signature);
});

test("the first token signs, any is accepted: so one takes the place of another", () => {
  const before = createRecordSeal([token]);
  const meanwhile = createRecordSeal([next, token]);
  const after = createRecordSeal([next]);
  for (const seal of [before, meanwhile]) expect(seal.open(key, before.sign(key, json))).toEqual({ json });
  for (const seal of [meanwhile, after]) expect(seal.open(key, meanwhile.sign(key, json))).toEqual({ json });
  expect(after.open(key, before.sign(key, json))).toEqual({ refused: "signature" });
  expect(before.open(key, meanwhile.sign(key, json))).toEqual({ refused: "signature" });
});

test("whatever of a value or its key is changed, it is none", () => {
  const seal = createRecordSeal([token]);
  const value = Buffer.from(seal.sign(key, json));
  for (let bit = 0; bit < value.length * 8; bit++) {
    const changed = Buffer.from(value);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(seal.open(key, changed.toString()), `with bit ${bit} changed`).toHaveProperty("refused");
  }
  const text = value.toString();
  fc.assert(
    fc.property(fc.nat(text.length), fc.nat(text.length), fc.string(), (from, to, between) => {
      const changed = text.slice(0, from) + between + text.slice(to);
      if (changed !== text) expect(seal.open(key, changed)).toHaveProperty("refused");
    }),
    { numRuns: 2_000 },
  );
  for (const other of ["/nano/servers/room/room-2", "/nano/servers/gate/room-1", "/nano2/servers/room/room-1", `${key}\n`, ""]) {
    expect(seal.open(other, text), other).toEqual({ refused: "signature" });
  }
});

test("without a token nothing is signed; with one, whatever is not is unsigned", () => {
  const open = createRecordSeal([]);
  expect(open.sign(key, json)).toBe(json);
  expect(open.open(key, "anything")).toEqual({ json: "anything" });
  const seal = createRecordSeal([token]);
  const signed = seal.sign(key, json);
  for (const unsigned of [json, "", "{}", signed.slice(0, -1), `${signed} `, signed.replace(',"signature"', ', "signature"')]) {
    expect(seal.open(key, unsigned), unsigned).toEqual({ refused: "unsigned" });
  }
});

test("the largest record is within the bound with its signature", () => {
  const { sign } = createRecordSeal([token]);
  const of = (length: number): string => encodeRecord(info("room-1", { version: "x".repeat(length) }), "room");
  const room = maxRecordBytes - Buffer.byteLength(sign(key, of(0)));
  const most = room - (of(1).length - of(0).length - 1);
  const largest = [most - 1, most, most + 1].filter((length) => {
    try {
      return of(length).length > 0;
    } catch {
      return false;
    }
  });
  expect(Buffer.byteLength(sign(key, of(largest.at(-1) ?? 0)))).toBe(maxRecordBytes);
});

test("what is no record is counted by whoever finds it", () => {
  const counters = createClusterCounters();
  const seal = createRecordSeal([token], counters);
  seal.refused("place");
  seal.refused("unsigned");
  seal.refused("place");
  expect(counters.recordsRefused).toEqual({ unsigned: 1, signature: 0, place: 2, format: 0 });
});
