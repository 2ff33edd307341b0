import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type KeyRange, keyBytes, keyRange, keyText } from "../../src/cli/registry/key-range.ts";
import { KeyStore } from "../../src/cli/registry/key-store.ts";
import { defaultLimits } from "../../src/cli/registry/registry-limits.ts";

/** One key of the model, as `KeyValue` without the bytes. */
interface Row {
  readonly value: string;
  readonly lease: bigint;
  readonly created: bigint;
  readonly modified: bigint;
  readonly version: bigint;
}

type Table = ReadonlyMap<string, Row>;

type Edit =
  | { readonly kind: "put"; readonly key: string; readonly value: string; readonly lease: bigint }
  | { readonly kind: "delete"; readonly range: KeyRange };

type Step =
  | { readonly kind: "write"; readonly edits: readonly Edit[] }
  | { readonly kind: "find"; readonly range: KeyRange; readonly back: number }
  | { readonly kind: "compact"; readonly back: number };

const key = fc.constantFrom("a", "a\0", "ab", "b", "\xff", "\xff\xff");
const range = fc.oneof(
  key.map((one) => keyRange(keyBytes(one), new Uint8Array())),
  fc.record({ from: key, to: fc.option(key, { nil: undefined }) }),
);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ kind: fc.constant("put" as const), key, value: fc.string({ maxLength: 3 }), lease: fc.bigInt(0n, 2n) }),
  fc.record({ kind: fc.constant("delete" as const), range }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), edits: fc.array(edit, { maxLength: 4 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("find" as const), range, back: fc.integer({ min: -1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.integer({ min: -1, max: 8 }) }) },
);

const within = ({ from, to }: KeyRange, one: string): boolean => one >= from && (to === undefined || one < to);

/** The next table; the same where nothing changed. */
function edited(table: Table, revision: bigint, edits: readonly Edit[]): Table {
  const next = new Map(table);
  let changed = false;
  for (const one of edits) {
    if (one.kind === "put") {
      const before = next.get(one.key);
      const { value, lease } = one;
      next.set(one.key, {
        ...{ value, lease, modified: revision },
        created: before?.created ?? revision,
        version: (before?.version ?? 0n) + 1n,
      });
      changed = true;
    } else for (const name of [...next.keys()].filter((name) => within(one.range, name))) changed = next.delete(name);
  }
  return changed ? next : table;
}

function rows(table: Table, at: KeyRange): unknown[] {
  return [...table].filter(([name]) => within(at, name)).sort(([one], [other]) => (one < other ? -1 : 1));
}

function found(store: KeyStore, at: KeyRange, revision: bigint): unknown[] {
  return store.find(at, revision).map((kv) => {
    const row = { lease: kv.lease, created: kv.createRevision, modified: kv.modRevision, version: kv.version };
    return [keyText(kv.key), { value: new TextDecoder().decode(kv.value), ...row }];
  });
}

const all: KeyRange = { from: "", to: undefined };

describe("what a key store holds", () => {
  test("is at every revision what a table for each revision holds", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const store = new KeyStore(defaultLimits);
        // Of revision 1, and those after it.
        const tables: Table[] = [new Map()];
        let compacted = -1n;
        for (const one of steps) {
          const newest = tables.at(-1) as Table;
          const revision = BigInt(tables.length);
          if (one.kind === "write") {
            const next = edited(newest, revision + 1n, one.edits);
            if (next !== newest) tables.push(next);
            store.write((writer) => {
              for (const change of one.edits) {
                if (change.kind === "put") writer.put(keyBytes(change.key), new TextEncoder().encode(change.value), change.lease);
                else writer.delete(change.range);
              }
              expect(writer.revision).toBe(BigInt(tables.length));
            });
            continue;
          }
          const at = revision - BigInt(one.back);
          if (one.kind === "compact") {
            const refused = at <= compacted ? /compacted/ : at > revision ? /future/ : undefined;
            if (refused) expect(() => store.compact(at)).toThrow(refused);
            else {
              store.compact(at);
              compacted = at;
            }
          } else if (at > revision) expect(() => store.find(one.range, at)).toThrow(/future/);
          else if (at > 0n && at < compacted) expect(() => store.find(one.range, at)).toThrow(/compacted/);
          else {
            const table = at > 0n ? tables[Number(at) - 1] : newest;
            expect(found(store, one.range, at)).toEqual(rows(table as Table, one.range));
          }
        }
        const last = tables.at(-1) as Table;
        expect(store.revision).toBe(BigInt(tables.length));
        expect(found(store, all, 0n)).toEqual(rows(last, all));
        for (const lease of [1n, 2n]) {
          const under = [...last].filter(([, row]) => row.lease === lease).map(([name]) => name);
          expect(store.keysUnder(lease)).toEqual(under.sort());
        }
        // Nothing is kept of what nobody may ask for any more.
        store.write((writer) => void writer.delete(all));
        if (store.revision > compacted) store.compact(store.revision);
        expect(store.bytes).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  test("tells its history again: applied to nothing, it gives what is there", () => {
    fc.assert(
      fc.property(fc.array(fc.array(edit, { maxLength: 4 }), { maxLength: 30 }), (writes) => {
        const store = new KeyStore(defaultLimits);
        for (const edits of writes) {
          store.write((writer) => {
            for (const one of edits) {
              if (one.kind === "put") writer.put(keyBytes(one.key), keyBytes("v"), one.lease);
              else writer.delete(one.range);
            }
          });
        }
        const told = new Map<string, unknown>();
        for (let revision = 2n; revision <= store.revision; revision++) {
          const before = new Map(told);
          expect(store.history.at(revision).length).toBeGreaterThan(0);
          for (const { key: name, event } of store.history.at(revision)) {
            expect(event.kv?.modRevision).toBe(revision);
            expect(event.prevKv).toEqual(before.get(name));
            if (event.type === 0) told.set(name, event.kv);
            else told.delete(name);
          }
        }
        expect([...told.keys()].sort()).toEqual(store.find(all).map((kv) => keyText(kv.key)));
        expect(store.find(all)).toEqual([...told].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, kv]) => kv));
      }),
    );
  });

  test.each([
    ["revisions", { historyRevisions: 10 }, 1],
    ["bytes", { historyBytes: 1_000 }, 100],
  ])("is forgotten by itself where there is more than so many %s", (_what, limits, size) => {
    const store = new KeyStore({ ...defaultLimits, ...limits });
    for (let at = 0; at < 200; at++) {
      const name = Uint8Array.of(at % 3);
      store.write((writer) => writer.put(name, new Uint8Array(size), 0n));
      expect(store.history.length).toBeLessThanOrEqual(12);
      expect(store.bytes).toBeLessThanOrEqual(12 * (size + 201));
    }
    expect(store.compacted).toBeGreaterThan(180n);
    expect(store.find(all)).toHaveLength(3);
    expect(() => store.find(all, store.compacted - 1n)).toThrow(/compacted/);
  });
});
