import { setTimeout as sleep } from "node:timers/promises";
import { heardBy, join, joined, mustBeOk, told, type Visit } from "../chat.ts";
import { until } from "../patience.ts";
import { mustEqual, type Point } from "../point.ts";
import type { ProbeMember } from "../probe-member.ts";
import type { Stand } from "../stand.ts";

// Long enough for a server that only looks now and then, and far from a lease.
const hiddenMs = 2_000;
// A lease, and what it takes to see that it is over.
const goneMs = 20_000;
// Less than a lease: what is known at once is not waited for.
const knownMs = 8_000;

/** What becomes of sessions whose frontend cannot say it. */
export const frontendPoints: readonly Point[] = [
  {
    name: "session.frontend-back",
    says: "A frontend whose record goes, and is back with the same incarnation before a lease is over, keeps its sessions.",
    async check(stand) {
      const { room, bob, frontend } = await annElsewhere(stand);
      await frontend.hide();
      await sleep(hiddenMs);
      await frontend.show();
      const again = await join(await newcomer(stand), room, "ann");
      mustEqual("Join under the name of a session of that frontend", told({ ...again, message: "" }), "already_exists");
      mustEqual("what the room hears", heardBy(bob.session), []);
    },
  },
  {
    name: "session.frontend-gone",
    says: "The sessions of a frontend that has had no record for as long as a lease are over: it has died without a word.",
    async check(stand) {
      const { room, bob, frontend } = await annElsewhere(stand);
      await frontend.die();
      await until("the room hears that ann has left", () => heardBy(bob.session).includes("left ann"), goneMs);
      mustEqual("who is there", await joined(await newcomer(stand), room, "ann"), ["ann", "bob"]);
    },
  },
  {
    name: "session.frontend-new",
    says: "The sessions of a frontend whose id has come again with another incarnation are over at once.",
    async check(stand) {
      const { room, bob, frontend, id } = await annElsewhere(stand);
      const { probe } = await stand.enter(id);
      await until("the room hears that ann has left", () => heardBy(bob.session).includes("left ann"), knownMs);
      await frontend.die();
      const ann = { ...(await newcomer(stand)), session: probe.session() };
      mustEqual("who is there", await joined(ann, room, "ann"), ["ann", "bob"]);
    },
  },
];

/** Somebody called ann in a room by a frontend that can die, and bob, who hears of it by another. */
async function annElsewhere(
  stand: Stand,
): Promise<{ readonly room: string; readonly bob: Visit; readonly frontend: ProbeMember; readonly id: string }> {
  const [visit, bob] = [await newcomer(stand), await newcomer(stand)];
  const id = stand.fresh("conformance-probe").replaceAll(" ", "-");
  const frontend = await stand.enter(id);
  const room = stand.fresh("room");
  const ann = { ...visit, session: frontend.probe.session() };
  await until("the server knows a frontend that has just come", async () => (await join(ann, room, "ann")).code === "ok");
  mustBeOk("Join", await join(bob, room, "bob"));
  return { room, bob, frontend, id };
}

/** A session that nobody has seen yet. */
async function newcomer({ frontend, probe, token }: Stand): Promise<Visit> {
  return { caller: await frontend(), session: probe.session(), token };
}
