import fc from "fast-check";
import { implement, type Server, type Service, type Session } from "nano-rpc";
import { createTestCluster, type Fault } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { said, text } from "../user/hall.ts";

const gates = ["gate-1", "gate-2"] as const;
const rooms = ["room-1", "room-2"] as const;
const guestCount = 4;

/** What may happen, mostly with no time between: answers and frames of all of it are under way at once. */
type Step =
  | { readonly what: "add" | "everywhere" | "remove"; readonly room: number; readonly guest: number }
  | { readonly what: "push"; readonly room: number }
  | { readonly what: "leave"; readonly guest: number }
  | { readonly what: "cut" | "heal"; readonly room: number; readonly gate: number }
  | { readonly what: "wait"; readonly ms: number };

const room = fc.nat({ max: rooms.length - 1 });
const gate = fc.nat({ max: gates.length - 1 });
const guest = fc.nat({ max: guestCount - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constantFrom("add" as const, "everywhere" as const), room, guest }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("remove" as const), room, guest }) },
  { weight: 8, arbitrary: fc.record({ what: fc.constant("push" as const), room }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("leave" as const), guest }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("cut" as const), room, gate }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant("heal" as const), room, gate }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constant("wait" as const),
      ms: fc.constantFrom(1, 3, 3, 7, 7, 40, 40, 400, 400, 1_500, 9_000),
    }),
  },
);

/** A change of one guest's membership. Both ends are positions in the order of all that was done. */
interface Change {
  readonly kind: "add" | "remove";
  readonly room: string;
  readonly begun: number;
  /** Undefined: nobody can say whether it was done. */
  resolved: number | undefined;
  /** The rooms whose pushes reach the guest from then on. */
  told: readonly string[];
}

interface Pushed {
  readonly room: string;
  readonly words: string;
  readonly at: number;
  readonly atMs: number;
}

interface Guest {
  readonly gate: string;
  readonly sessions: ReadonlyMap<string, Session>;
  readonly heard: readonly string[];
  readonly changes: Change[];
  leave(): void;
  readonly state: "open" | "left" | "lost";
}

/** When a link was out of order; `untilMs` is when it had surely come back. */
interface Outage {
  readonly fromMs: number;
  cutMs: number;
  untilMs: number;
}

// A link that is back within 5 s brings everything that was pushed meanwhile; it takes a moment to see that it is broken, and to dial again.
const shortMs = 4_000;
const recoveryMs = 3_500;

/** Plays the steps. Gives how many times somebody had to hear something, and somebody must not. */
async function play(steps: readonly Step[], seed: number): Promise<readonly [must: number, mustNot: number]> {
  await using cluster = createTestCluster({ seed, latencyMs: 3 });
  const servers = new Map<string, Server>();
  const seen = new Map<string, Session>();
  const guests: Guest[] = [];
  const pushed: Pushed[] = [];
  const faults = new Map<string, { readonly fault: Fault; readonly outage: Outage }>();
  const outages = new Map<string, Outage[]>();
  let position = 0;

  for (const id of gates) await cluster.start({ id, frontend: true, types: ["gate"], limits: { unboundMs: 0 } });
  for (const id of rooms) servers.set(id, await cluster.start({ id, services: hall(id, seen) }));
  for (let at = 0; at < guestCount; at++) guests.push(await enter(at));

  async function enter(at: number): Promise<Guest> {
    const gate = gates[at % gates.length] ?? "gate-1";
    const client = await cluster.connect(gate, { reconnect: false });
    const service = client.service(RoomClient);
    const heard: string[] = [];
    service.onSaid(({ text: words }) => void heard.push(words));
    const name = `guest-${at}`;
    const sessions = new Map<string, Session>();
    // Of so many names each room has some.
    for (let asked = 0; sessions.size < rooms.length && asked < 30; asked++) {
      const joined = service.join({ room: `any-${asked}`, name });
      await cluster.advance(100);
      await joined;
      for (const id of rooms) {
        const session = seen.get(`${id} ${name}`);
        if (session) sessions.set(id, session);
      }
    }
    expect(sessions.size).toBe(rooms.length);
    let state: Guest["state"] = "open";
    client.onState(({ name: now }) => {
      if (now === "closed" && state === "open") state = "lost";
    });
    return {
      ...{ gate, sessions, heard, changes: [] },
      get state() {
        return state;
      },
      leave() {
        if (state === "open") state = "left";
        void client.close();
      },
    };
  }

  function push(id: string): void {
    const words = `${id} ${pushed.length}`;
    pushed.push({ room: id, words, at: ++position, atMs: cluster.now });
    servers.get(id)?.group("lobby").push(said, text(words));
  }

  function change(kind: Change["kind"], id: string, at: number, everywhere: boolean): void {
    const { sessions, changes } = guests[at] as Guest;
    const session = sessions.get(id);
    const group = servers.get(id)?.group("lobby");
    if (!session || !group) throw new Error("no such guest");
    const one: Change = { kind, room: id, begun: ++position, resolved: undefined, told: [] };
    changes.push(one);
    const done = kind === "remove" ? group.remove(session).then(() => ({ missing: [] })) : group.add(session, { everywhere });
    done.then(
      ({ missing }: { readonly missing: readonly string[] }) => {
        one.resolved = ++position;
        one.told = everywhere ? rooms.filter((each) => !missing.includes(each)) : [id];
        // The very next thing.
        for (const each of kind === "add" ? one.told : [id]) push(each);
      },
      () => {},
    );
  }

  async function heal(pair: string): Promise<void> {
    const found = faults.get(pair);
    if (!found) return;
    faults.delete(pair);
    found.outage.cutMs = cluster.now;
    found.outage.untilMs = cluster.now + recoveryMs;
    await found.fault.heal();
  }

  for (const one of steps) {
    if (one.what === "wait") await cluster.advance(one.ms);
    else if (one.what === "push") push(rooms[one.room] ?? "room-1");
    else if (one.what === "leave") guests[one.guest]?.leave();
    else if ("gate" in one) {
      const [near, far] = [rooms[one.room] ?? "room-1", gates[one.gate] ?? "gate-1"];
      const pair = `${near} ${far}`;
      if (one.what === "heal") await heal(pair);
      else if (!faults.has(pair)) {
        const before = outages.get(pair) ?? [];
        // One that begins before the last is over is the same.
        const last = before.at(-1);
        const again = last !== undefined && last.untilMs > cluster.now;
        const outage: Outage = again ? last : { fromMs: cluster.now, cutMs: 0, untilMs: 0 };
        outage.untilMs = Number.POSITIVE_INFINITY;
        if (!again) outages.set(pair, [...before, outage]);
        faults.set(pair, { fault: cluster.cut(near, far), outage });
      }
    } else change(one.what === "remove" ? "remove" : "add", rooms[one.room] ?? "room-1", one.guest, one.what === "everywhere");
  }
  for (const pair of [...faults.keys()]) await heal(pair);
  await cluster.advance(15_000);
  for (const id of rooms) push(id);
  await cluster.advance(1_000);

  const long = (id: string, at: string): readonly Outage[] =>
    (outages.get(`${id} ${at}`) ?? []).filter(({ fromMs, cutMs }) => cutMs - fromMs > shortMs);
  /** Whether a push may have been lost on its way. */
  const lossy = ({ room: id, atMs }: Pushed, at: string): boolean =>
    long(id, at).some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs);

  let [must, mustNot] = [0, 0];
  for (const { gate: at, heard, changes, state } of guests) {
    // Whoever has lost a push is not left in the dark: its session ends.
    if (state === "lost") expect(rooms.flatMap((id) => long(id, at))).not.toEqual([]);
    const order = heard.map((words) => words.split(" ") as [string, string]);
    for (const id of rooms) {
      const numbers = order.filter(([from]) => from === id).map(([, number]) => Number(number));
      // Once each, and in their order.
      expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other));
    }
    const ended = ({ resolved }: Change): number => resolved ?? Number.POSITIVE_INFINITY;
    for (const one of pushed) {
      const entered = changes.filter(
        ({ kind, resolved, told }) => kind === "add" && resolved !== undefined && resolved < one.at && told.includes(one.room),
      );
      // A removal by another room may overtake the push; one by the same cannot.
      const stays = entered.some(
        (add) =>
          !changes.some(
            (other) => other.kind === "remove" && ended(other) > add.begun && (other.begun < one.at || other.room !== one.room),
          ),
      );
      if (stays && state === "open" && !lossy(one, at)) {
        must++;
        expect(heard).toContain(one.words);
      }
      const gone = changes.some(
        (removal) =>
          removal.kind === "remove" &&
          removal.room === one.room &&
          ended(removal) < one.at &&
          changes.every((other) => other.kind === "remove" || ended(other) < removal.begun),
      );
      if (gone || changes.length === 0) {
        mustNot++;
        expect(heard).not.toContain(one.words);
      }
    }
  }
  return [must, mustNot];
}

/** A hall that keeps whoever has come to it, by its own name and theirs. */
function hall(id: string, seen: Map<string, Session>): Service[] {
  return [
    implement(RoomHandler, {
      join({ name }, { session }) {
        seen.set(`${id} ${name}`, session);
        return { members: [] };
      },
      say: () => {},
    }),
  ];
}

describe("joins against pushes, in any order, while links break", () => {
  test("a push made after `add` resolved is heard, once and in order; one made after `remove` resolved is not", async () => {
    let [must, mustNot] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40, size: "max" }), fc.nat(), async (steps, seed) => {
        const [had, not] = await play(steps, seed);
        must += had;
        mustNot += not;
      }),
      { numRuns: 40, seed: 20_261 },
    );
    // The runs have looked at something.
    expect(must).toBeGreaterThan(300);
    expect(mustNot).toBeGreaterThan(200);
  }, 180_000);
});
