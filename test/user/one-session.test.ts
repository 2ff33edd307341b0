import fc from "fast-check";
import { NanoError } from "nano-rpc";
import { createTestCluster, type Fault } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { type Guest, Hall, said, text } from "./hall.ts";

const gates = ["gate-1", "gate-2", "gate-3"] as const;
const users = ["ann", "bob"] as const;

/** What may happen to a cluster, one after the other or with no time between. */
type Step =
  | { readonly what: "login"; readonly gate: number; readonly user: number }
  | { readonly what: "leave" | "logout"; readonly guest: number }
  | { readonly what: "cut" | "heal"; readonly gate: number }
  | { readonly what: "part" | "join"; readonly gate: number }
  | { readonly what: "wait"; readonly ms: number };

const gate = fc.nat({ max: gates.length - 1 });
const guest = fc.nat({ max: 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant("login" as const), gate, user: fc.nat({ max: users.length - 1 }) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom("leave" as const, "logout" as const), guest }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom("cut" as const, "heal" as const), gate }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom("part" as const, "join" as const), gate }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant("wait" as const), ms: fc.constantFrom(0, 50, 1_500, 20_000) }) },
);

/** Does it all, and gives what is left when everything is in reach again. */
async function play(steps: readonly Step[], seed: number): Promise<void> {
  await using cluster = createTestCluster({ seed, latencyMs: 2 });
  const hall = new Hall(cluster);
  const room = await cluster.start({ id: "room-1", services: hall.services() });
  for (const id of gates) await hall.gate(id, { limits: { unboundMs: 0 } });
  const guests: { readonly guest: Guest; readonly user: string; outcome: string }[] = [];
  const cuts = new Map<number, Fault>();
  const parts = new Map<number, Fault>();

  async function login(at: number, user: string): Promise<void> {
    const entering = hall.enter(gates[at] ?? "gate-1");
    await cluster.advance(100);
    const come = { guest: await entering, user, outcome: "waiting" };
    guests.push(come);
    come.guest.session.bind(user).then(
      ({ former }) => {
        come.outcome = former;
      },
      (reason: unknown) => {
        come.outcome = NanoError.from(reason).code;
      },
    );
  }

  for (const one of steps) {
    if (one.what === "login") await login(one.gate, users[one.user] ?? "ann");
    else if (one.what === "leave") void guests[one.guest]?.guest.client.close();
    else if (one.what === "logout") guests[one.guest]?.guest.session.unbind().catch(() => {});
    else if (one.what === "cut" && !cuts.has(one.gate)) cuts.set(one.gate, cluster.cutDiscovery(gates[one.gate] ?? "gate-1"));
    else if (one.what === "heal") {
      await cuts.get(one.gate)?.heal();
      cuts.delete(one.gate);
    } else if (one.what === "part" && !parts.has(one.gate)) {
      parts.set(one.gate, cluster.cut(gates[one.gate] ?? "gate-1", gates[(one.gate + 1) % gates.length] ?? "gate-2"));
    } else if (one.what === "join") {
      await parts.get(one.gate)?.heal();
      parts.delete(one.gate);
    } else if (one.what === "wait") await cluster.advance(one.ms);
  }
  for (const fault of [...cuts.values(), ...parts.values()]) await fault.heal();
  await cluster.advance(75_000);

  for (const { outcome } of guests) expect(["none", "ended", "timed_out", "not_found", "canceled"]).toContain(outcome);
  for (const user of users) {
    const live = guests.filter(({ guest: { session } }) => session.state === "open" && session.user === user);
    expect(live.length).toBeLessThanOrEqual(1);
    const [holder] = live;
    const locating = room.users(user).locate();
    const pushing = room.users(user).push(said, text("who is there?"));
    await cluster.advance(100);
    expect(await locating).toEqual(new Map(holder ? [[user, holder.guest.session.frontend]] : []));
    expect(await pushing).toEqual({ missed: holder ? [] : [user] });
    await cluster.advance(100);
    for (const { guest: one, user: own } of guests) {
      if (own === user) expect(one.heard.at(-1)).toBe(one === holder?.guest ? "who is there?" : undefined);
    }
  }
  // Nobody was ended but for another of the same user.
  for (const { guest: one, user } of guests) {
    const rivals = guests.filter((other) => other.user === user && other.guest !== one);
    if (one.kicks.length > 0) expect([one.kicks, rivals.length > 0]).toEqual([["replaced"], true]);
  }
}

describe("binds over several frontends, while discovery and links come and go", () => {
  test("end with at most one live session of a user, which is the one that is found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 16 }), fc.nat(), (steps, seed) => play(steps, seed)),
      { numRuns: 25 },
    );
  }, 120_000);
});
