import type { ServerInfo } from "../discovery/index.ts";
import type { DiscoveryBench, DiscoveryStep } from "./check-discovery.ts";
import { type CheckedMember, differsIn, recordOf } from "./checked-member.ts";

const manyServers = 10;
const manyUpdates = 20;

/** Whether a member knows these servers, and no others. */
function knows(bench: DiscoveryBench, member: CheckedMember, ids: string): Promise<void> {
  return bench.until(
    () => member.ids === ids,
    // Said too early, it would name what was there before.
    `${member.self.id} does not hear that these are there, and no others: ${ids}`,
  );
}

async function sees(bench: DiscoveryBench, watcher: CheckedMember, expected: ServerInfo): Promise<void> {
  await bench.until(
    () => differsIn(watcher.find(expected.id), expected) === undefined,
    `the record of ${expected.id} does not arrive at ${watcher.self.id} as it was written, or not in time`,
  );
}

function mustNotBeFenced(...members: readonly CheckedMember[]): void {
  const fenced = members.find(({ fences }) => fences.length > 0);
  if (fenced) throw new Error(`${fenced.self.id} was fenced, though its id was its own`);
}

/** What becomes of an id that another takes, with other types or the same. */
function taken(before: readonly string[], after: readonly string[]): DiscoveryStep {
  return async (bench) => {
    const watcher = await bench.enter(recordOf("watcher"));
    const former = await bench.enter(recordOf("one", { types: before }));
    const latter = await bench.enter(recordOf("one", { types: after }));
    await bench.until(() => former.fences.length > 0, "whoever had the id before was not fenced");
    if (former.fences[0] !== latter.self.incarnation) throw new Error("fenced did not name the incarnation that took the id");
    await sees(bench, watcher, latter.self);
    // What a fenced server does when it stops must not hurt its successor.
    await former.membership.update({ ...former.self, state: "draining" }).catch(() => {});
    await bench.inTime(former.membership.leave(), "leave of a fenced server did not settle");
    const changed = { ...latter.self, version: "after" };
    await bench.inTime(latter.membership.update(changed), "update did not settle");
    await sees(bench, watcher, changed);
    await knows(bench, watcher, "one, watcher");
    if (former.fences.length > 1) throw new Error("fenced was called twice");
    mustNotBeFenced(latter, watcher);
  };
}

/** What servers may rely on about each other. */
export const memberSteps: Readonly<Record<string, DiscoveryStep>> = {
  async join(bench) {
    const one = await bench.enter(recordOf("b"));
    const { leaseMs } = one.membership;
    if (!(leaseMs > 0 && leaseMs < Number.POSITIVE_INFINITY)) throw new Error(`leaseMs is ${leaseMs}`);
    const two = await bench.enter(recordOf("a"));
    if (two.ids !== "a, b") throw new Error("whoever joins is not told of all that are there before join resolves");
    await knows(bench, one, "a, b");
    mustNotBeFenced(one, two);
  },
  async "a record"(bench) {
    const watcher = await bench.enter(recordOf("watcher"));
    const { self } = await bench.enter(
      recordOf("gate-1", {
        ...{ incarnation: 0xffff_ffff_ffff_fffen, types: ["gate", "room"], version: "1.0.0-β", frontend: true },
        ...{ addresses: ["10.0.0.1:4000", "[2001:db8::1]:4000"], state: "starting", protocol: 7, schema: "ab".repeat(32) },
        metadata: { zone: "köln", constructor: "1", "": "empty", long: "x".repeat(2_000) },
      }),
    );
    await bench.until(() => watcher.find("gate-1") !== undefined, "it does not arrive");
    const field = differsIn(watcher.find("gate-1"), self);
    if (field) throw new Error(`it arrives with another value of ${field}`);
    // Of two types, and yet one server.
    await knows(bench, watcher, "gate-1, watcher");
  },
  async "many at once"(bench) {
    const ids = Array.from({ length: manyServers }, (_, at) => `room-${at}`);
    const all = await Promise.all(ids.map((id) => bench.enter(recordOf(id))));
    for (const member of all) await knows(bench, member, ids.join(", "));
  },
  async update(bench) {
    const watcher = await bench.enter(recordOf("watcher"));
    const { self, membership } = await bench.enter(recordOf("room", { version: "0" }));
    for (let version = 1; version <= manyUpdates; version++) {
      await bench.inTime(membership.update({ ...self, version: `${version}` }), "it did not settle");
    }
    // Nobody waits for these.
    const last: ServerInfo = {
      ...{ ...self, version: `${2 * manyUpdates}`, state: "draining" },
      ...{ addresses: ["10.0.0.2:4000"], metadata: { map: "desert" } },
    };
    const hurried = Array.from({ length: manyUpdates - 1 }, (_, at) => ({ ...self, version: `${manyUpdates + 1 + at}` }));
    await Promise.all([...hurried, last].map((record) => bench.inTime(membership.update(record), "it did not settle")));
    await sees(bench, watcher, last);
    const seen = watcher.lists.flatMap((list) => list.filter(({ id }) => id === "room").map(({ version }) => Number(version)));
    if (seen.some((version, at) => version < (seen[at - 1] ?? 0))) throw new Error("an older record was told after a newer one");
  },
  async leave(bench) {
    const watcher = await bench.enter(recordOf("watcher"));
    const gone = await bench.enter(recordOf("gone", { types: ["gate", "room"] }));
    await knows(bench, watcher, "gone, watcher");
    await bench.inTime(gone.membership.leave(), "it did not settle");
    await knows(bench, watcher, "watcher");
    const heard = gone.lists.length;
    await bench.inTime(gone.membership.leave(), "the second did not settle");
    await bench.inTime(
      gone.membership.update({ ...gone.self, state: "draining" }).catch(() => {}),
      "update after it did not settle",
    );
    await bench.enter(recordOf("later"));
    await knows(bench, watcher, "later, watcher");
    if (gone.lists.length > heard) throw new Error("changed was called after it");
    mustNotBeFenced(gone, watcher);
  },
  async "coming back"(bench) {
    const watcher = await bench.enter(recordOf("watcher"));
    const before = await bench.enter(recordOf("room"));
    await bench.inTime(before.membership.leave(), "leave did not settle");
    const after = await bench.enter(recordOf("room"));
    await sees(bench, watcher, after.self);
    mustNotBeFenced(before, after);
  },
  async "two clusters"(bench) {
    const one = await bench.enter(recordOf("same"));
    const two = await bench.enter(recordOf("same"), { elsewhere: true });
    const other = await bench.enter(recordOf("other"), { elsewhere: true });
    await knows(bench, two, "other, same");
    if (other.find("same")?.incarnation !== two.self.incarnation || one.ids !== "same") throw new Error("they meet");
    mustNotBeFenced(one, two);
  },
  async "a schema"(bench) {
    const schema = Uint8Array.from([0x1f, 0x8b, 0, 255, 10]);
    const bringer = await bench.enter(recordOf("bringer", { schema: "cafe" }), { schema });
    const { membership } = await bench.enter(recordOf("asker"));
    const found = async (): Promise<string> =>
      `${[...((await bench.inTime(membership.schema("cafe"), "schema did not settle")) ?? [])]}`;
    if ((await found()) !== `${schema}`) throw new Error("it is not found under its hash, or changed");
    await bench.inTime(bringer.membership.leave(), "leave did not settle");
    if ((await found()) !== `${schema}`) throw new Error("it is gone with the server that brought it");
    if ((await membership.schema("beef")) !== undefined) throw new Error("one that nobody brought is not undefined");
  },
  "a taken id": taken(["room"], ["room"]),
  "a taken id, with fewer types": taken(["gate", "room"], ["room"]),
  "a taken id, with more types": taken(["room"], ["gate", "room"]),
  "a taken id, with other types": taken(["gate"], ["room"]),
  async "an id that five want at once"(bench) {
    const rivals = await Promise.all(Array.from({ length: 5 }, () => bench.enter(recordOf("one"))));
    const watcher = await bench.enter(recordOf("watcher"));
    const left = (): readonly CheckedMember[] => rivals.filter(({ fences }) => fences.length === 0);
    await bench.until(() => left().length === 1, "not all but one were fenced");
    await bench.until(
      () => watcher.find("one")?.incarnation === left()[0]?.self.incarnation,
      "what is told of the id is not the one that keeps it",
    );
    if (rivals.some(({ fences }) => fences.length > 1)) throw new Error("fenced was called twice");
  },
  async kill(bench) {
    if (!bench.kill) return;
    const watcher = await bench.enter(recordOf("watcher"));
    await bench.enter(recordOf("killed"));
    await knows(bench, watcher, "killed, watcher");
    bench.kill("killed");
    await bench.until(() => watcher.ids === "watcher", "its record is still there after its lease", watcher.membership.leaseMs);
    mustNotBeFenced(watcher);
  },
};
