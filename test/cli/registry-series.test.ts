import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, expect, test } from "vitest";
import {
  type Compare,
  CompareSchema,
  DeleteRangeRequestSchema,
  PutRequestSchema,
  RangeRequestSchema,
  type RequestOp,
  RequestOpSchema,
  type TxnRequest,
  TxnRequestSchema,
} from "../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { EventSchema } from "../../gen/etcd/api/mvccpb/kv_pb.ts";
import { seededRandom } from "../../src/clock/index.ts";
import { type EtcdLike, etcdLikes } from "./etcd-likes.ts";
import { openWatching } from "./watching.ts";

const running: EtcdLike[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

interface Step {
  readonly request: unknown;
  readonly run: (to: EtcdLike) => Promise<unknown>;
}

/** The same steps for the same seed, whoever answers them. */
function series(seed: number, length: number): Step[] {
  const random = seededRandom(seed);
  const below = (most: number): number => Math.floor(random.next() * most);
  const sometimes = (one: number): boolean => below(one) === 0;
  const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  const key = (): Uint8Array => bytes(sometimes(40) ? "" : pick(["a", "aa", "ab", "b", "b\xff", "c", "\0", "\xff", "c\0"]));
  const end = (): Uint8Array => bytes(pick(["", "", "", "\0", "b", "c", "a\xff", "\xff"]));
  const value = (): Uint8Array => bytes(pick(["", "1", "2", "3", "\xff\0"]));
  const lease = (): bigint => BigInt(sometimes(3) ? below(5) : 0);
  // Where the series has come to, more or less.
  const revision = (at: number): bigint => (sometimes(3) ? BigInt(below(Math.max(1, at))) : 0n);

  const rangeOf = (at: number): ReturnType<typeof create<typeof RangeRequestSchema>> =>
    create(RangeRequestSchema, {
      ...{ key: key(), rangeEnd: end(), revision: revision(at), sortOrder: pick([0, 0, 1, 2]) as 0 | 1 | 2 },
      ...{ limit: BigInt(pick([0, 0, 0, 1, 2])), keysOnly: sometimes(5), countOnly: sometimes(8) },
      ...(sometimes(5) ? { minModRevision: BigInt(below(at + 1)) } : {}),
      ...(sometimes(5) ? { maxModRevision: BigInt(below(at + 1)) } : {}),
      ...(sometimes(6) ? { minCreateRevision: BigInt(below(at + 1)) } : {}),
      ...(sometimes(6) ? { maxCreateRevision: BigInt(below(at + 1)) } : {}),
    });
  const putOf = (): ReturnType<typeof create<typeof PutRequestSchema>> =>
    create(PutRequestSchema, {
      ...{ key: key(), value: value(), lease: lease(), prevKv: sometimes(2) },
      ...{ ignoreValue: sometimes(8), ignoreLease: sometimes(8) },
    });
  const deletionOf = (): ReturnType<typeof create<typeof DeleteRangeRequestSchema>> =>
    create(DeleteRangeRequestSchema, { key: key(), rangeEnd: sometimes(2) ? end() : bytes(""), prevKv: sometimes(2) });
  const compareOf = (at: number): Compare => {
    const number = BigInt(pick([0, 0, 1, 2, below(at + 1)]));
    const [target, targetUnion] = pick<readonly [0 | 1 | 2 | 3 | 4, MessageInitShape<typeof CompareSchema>["targetUnion"]]>([
      [0, { case: "version", value: number }],
      [1, { case: "createRevision", value: number }],
      [2, { case: "modRevision", value: number }],
      [3, { case: "value", value: value() }],
      [4, { case: "lease", value: number }],
      [1, { case: undefined }],
      [3, { case: "version", value: number }],
    ]) as [0, { case: "version"; value: bigint }];
    return create(CompareSchema, {
      key: key(),
      rangeEnd: end(),
      target,
      targetUnion,
      result: pick([0, 1, 2, 3]) as 0 | 1 | 2 | 3,
    });
  };
  const operationOf = (at: number, depth: number): RequestOp => {
    const request = pick<() => MessageInitShape<typeof RequestOpSchema>["request"]>([
      () => ({ case: "requestRange", value: rangeOf(at) }),
      () => ({ case: "requestPut", value: putOf() }),
      () => ({ case: "requestPut", value: putOf() }),
      () => ({ case: "requestDeleteRange", value: deletionOf() }),
      () => (depth > 0 ? { case: "requestTxn", value: transactionOf(at, depth - 1) } : { case: "requestPut", value: putOf() }),
    ])() as { case: "requestPut"; value: ReturnType<typeof putOf> };
    return sometimes(200) ? create(RequestOpSchema) : create(RequestOpSchema, { request });
  };
  const transactionOf = (at: number, depth: number): TxnRequest => {
    const some = <T>(most: number, one: () => T): T[] => Array.from({ length: below(most + 1) }, one);
    return create(TxnRequestSchema, {
      compare: some(2, () => compareOf(at)),
      success: some(3, () => operationOf(at, depth)),
      failure: some(3, () => operationOf(at, depth)),
    });
  };

  return Array.from({ length }, (_, at): Step => {
    const kind = below(100);
    const step = <R>(request: R, run: (to: EtcdLike, request: R) => Promise<unknown>): Step => ({
      request,
      run: (to) => run(to, request),
    });
    if (kind < 25) return step(rangeOf(at), ({ kv }, request) => kv.range(request));
    if (kind < 50) return step(putOf(), ({ kv }, request) => kv.put(request));
    if (kind < 60) return step(deletionOf(), ({ kv }, request) => kv.deleteRange(request));
    if (kind < 88) return step(transactionOf(at, 2), ({ kv }, request) => kv.txn(request));
    if (kind < 90) return step({ revision: BigInt(below(at)) }, ({ kv }, request) => kv.compact(request));
    const ID = BigInt(1 + below(4));
    // What is short could end between two steps.
    const TTL = BigInt(pick([1_000, 2_000, 9_000_000_000, 9_000_000_001]));
    if (kind < 95) return step({ ID, TTL }, ({ lease }, request) => lease.leaseGrant(request));
    if (kind < 98) return step({ ID }, ({ lease }, request) => lease.leaseRevoke(request));
    return step({ ID, keys: true }, ({ lease }, request) => lease.leaseTimeToLive(request));
  });
}

/** What is the same whoever answers: no names of clusters, no time that is left, no order where etcd has none. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (name, inner: unknown) => {
      if (["clusterId", "memberId", "raftTerm", "TTL", "$unknown"].includes(name)) return undefined;
      if (typeof inner === "bigint") return `${inner}`;
      if (name === "keys" && Array.isArray(inner)) return [...inner].map((key) => `${key}`).sort();
      return inner;
    }),
  );
}

async function answer(step: Step, to: EtcdLike): Promise<unknown> {
  try {
    return plain(await step.run(to));
  } catch (reason) {
    const { code, rawMessage } = ConnectError.from(reason);
    return { code, rawMessage };
  }
}

test.each([1, 2, 3])(
  "a long series of operations has the same answers from etcd (seed %i)",
  async (seed) => {
    const [registry, etcd] = (await Promise.all(etcdLikes.map(([, start]) => start()))) as [EtcdLike, EtcdLike];
    running.push(registry, etcd);
    const seen = new Map<string, number>();
    for (const [at, step] of series(seed, 500).entries()) {
      const [ours, theirs] = await Promise.all([answer(step, registry), answer(step, etcd)]);
      expect(ours, `step ${at}: ${JSON.stringify(plain(step.request))}`).toEqual(theirs);
      const kind = (ours as { readonly rawMessage?: string }).rawMessage ?? "answered";
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }
    // Had everything been refused, little would have been compared.
    expect(seen.get("answered")).toBeGreaterThan(250);
    expect([...seen.keys()].length).toBeGreaterThan(6);

    const from = await firstKept(etcd);
    const [ours, theirs] = await Promise.all([history(registry, from), history(etcd, from)]);
    expect(theirs.length).toBeGreaterThan(5);
    expect(ours).toEqual(theirs);
  },
  120_000,
);

async function firstKept(to: EtcdLike): Promise<bigint> {
  const watching = openWatching(to);
  watching.ask({ case: "createRequest", value: { key: new Uint8Array(1), rangeEnd: new Uint8Array(1), startRevision: 1n } });
  await watching.next();
  const { compactRevision } = await watching.next();
  watching.abort();
  return compactRevision + 1n;
}

/** All that has happened since, as a watch tells it. */
async function history(to: EtcdLike, startRevision: bigint): Promise<unknown[]> {
  const { header } = await to.kv.put({ key: Uint8Array.of(1), value: Uint8Array.of(1) });
  const watching = openWatching(to);
  const value = { key: new Uint8Array(1), rangeEnd: new Uint8Array(1), startRevision, prevKv: true };
  watching.ask({ case: "createRequest", value });
  const events: unknown[] = [];
  for (let last = 0n; last < (header?.revision ?? 0n); ) {
    for (const event of (await watching.next()).events) {
      events.push(toJson(EventSchema, event));
      last = event.kv?.modRevision ?? 0n;
    }
  }
  watching.abort();
  return events;
}
