import { Code } from "@connectrpc/connect";
import { bound, closed, countIn, heardBy, join, joined, mustBeOk, say, stats, told, type Visit } from "../chat.ts";
import { soon, until } from "../patience.ts";
import { must, mustEqual, type Point } from "../point.ts";
import type { Ask } from "../probe-session.ts";
import type { Stand } from "../stand.ts";

// How long an answer that may not come yet is waited for: a slow server that gives it too soon should be seen, too.
const tooSoonMs = 1_000;

/** What a server asks of the frontend that holds a session, and what it hears of it. */
export const sessionPoints: readonly Point[] = [
  {
    name: "session.bind",
    says: "Bind makes the session a user's, by the key of the header; what needs it waits for its answer.",
    async check(stand) {
      const visit = await newcomer(stand);
      const { session } = visit;
      const room = stand.fresh("room");
      const held = Promise.withResolvers<void>();
      session.hold = { ask: "Bind", until: held.promise };
      let over = false;
      const joining = joined(visit, room, "ann").finally(() => {
        over = true;
      });
      joining.catch(() => {});
      try {
        await until("the frontend is asked to bind the session, with its key", () => over || session.asked.includes("Bind"));
        await Promise.race([joining, new Promise((resolve) => setTimeout(resolve, tooSoonMs))]);
        must(!over, "Join is answered before the session is bound");
      } finally {
        held.resolve();
      }
      await soon("Join is answered when the session is bound", joining);
      mustEqual("the user", session.user, `${room}/ann`);
    },
  },
  {
    name: "session.refused",
    says: "What the frontend refuses fails the call that asked for it, and what the call had begun is undone.",
    async check(stand) {
      for (const ask of ["Bind", "Patch"] satisfies Ask[]) {
        const room = stand.fresh("room");
        const visit = await newcomer(stand);
        visit.session.refuse = { ask, code: Code.FailedPrecondition };
        mustEqual(`Join whose ${ask} is refused`, (await join(visit, room, "ann")).code, "failed_precondition");
        mustEqual(`who is there after ${ask} was refused`, await joined(await newcomer(stand), room, "ann"), ["ann"]);
      }
    },
  },
  {
    name: "session.patch",
    says: "Patch writes fields of the session's data before the call is answered.",
    async check(stand) {
      const visit = await newcomer(stand);
      const room = stand.fresh("room");
      await joined(visit, room, "ann");
      mustEqual("the room in the session's data", visit.session.room, room);
    },
  },
  {
    name: "session.data",
    says: "User and data are what the header says, whether the server has seen the session before or not.",
    async check(stand) {
      const ann = await newcomer(stand);
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      // It has come to the room by another server, as it were.
      const eve: Visit = { ...ann, session: stand.probe.session({ user: `${room}/eve`, room }) };
      mustBeOk("Say of a session that the server has not seen", await say(eve, ["hi"]));
      mustEqual("what the room hears", heardBy(ann.session), ["said eve: hi"]);
    },
  },
  {
    name: "session.push",
    says: "A push reaches those for whom it is, with the route and the body that the schema says.",
    async check(stand) {
      const [ann, bob, cat] = [await newcomer(stand), await newcomer(stand), await newcomer(stand)];
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      await joined(bob, room, "bob");
      await joined(cat, stand.fresh("room"), "cat");
      mustBeOk("Say", await say(bob, ["hi 😀"]));
      mustEqual("what ann hears", heardBy(ann.session), ["joined bob", "said bob: hi 😀"]);
      mustEqual("what bob hears", heardBy(bob.session), ["said bob: hi 😀"]);
      mustEqual("what cat hears, in another room", heardBy(cat.session), []);
    },
  },
  {
    name: "session.push-order",
    says: "What is pushed before a call is answered is with the frontend when the answer is.",
    async check(stand) {
      const ann = await newcomer(stand);
      await joined(ann, stand.fresh("room"), "ann");
      for (let at = 0; at < 20; at++) {
        mustBeOk("Say", await say(ann, [`line ${at}`]));
        mustEqual("what is heard when Say is answered", heardBy(ann.session).at(-1), `said ann: line ${at}`);
      }
    },
  },
  {
    name: "session.everywhere",
    says: "A push to the members of a group goes to every frontend of the cluster.",
    async check(stand) {
      const ann = await newcomer(stand);
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      const bob = await (await stand.gate()).connect();
      await bob.room.join({ room, name: "bob" });
      await until("ann, at one frontend, hears that bob has come at another", () => heardBy(ann.session).includes("joined bob"));
      mustBeOk("Say", await say(ann, ["hi"]));
      await until("bob hears ann", () => bob.heard.includes("said ann: hi"));
      bob.room.say({ text: "ho" });
      await until("ann hears bob", () => heardBy(ann.session).includes("said bob: ho"));
    },
  },
  {
    name: "session.bound",
    says: "SessionEventsService/Bound is answered, or UNIMPLEMENTED: also for a session that the server has never seen.",
    async check(stand) {
      const [ann, bob] = [await newcomer(stand), await newcomer(stand)];
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      for (const answer of [await bound(ann, `${room}/ann`), await bound(ann, ""), await bound(bob, "bob")]) {
        must(answer.code === "ok" || answer.code === "unimplemented", `Bound is answered with ${told(answer)}`);
      }
      mustBeOk("Say after Bound", await say(ann, ["hi"]));
      mustEqual("what ann hears", heardBy(ann.session), ["said ann: hi"]);
    },
  },
  {
    name: "session.closed",
    says: "SessionEventsService/Closed ends what a session had at the server.",
    async check(stand) {
      const [ann, bob] = [await newcomer(stand), await newcomer(stand)];
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      await joined(bob, room, "bob");
      mustBeOk("Closed", await closed(bob));
      await until("ann hears that bob has left", () => heardBy(ann.session).includes("left bob"));
      mustEqual("how many are there by Stats", countIn(room, await stats(ann.caller, stand.token)), 1);
      mustEqual("who is there", await joined(await newcomer(stand), room, "bob"), ["ann", "bob"]);
    },
  },
  {
    name: "session.closed-again",
    says: "Closed of a session that is over, or that the server has never seen, is answered as if it were not.",
    async check(stand) {
      const [ann, bob, cat] = [await newcomer(stand), await newcomer(stand), await newcomer(stand)];
      const room = stand.fresh("room");
      await joined(ann, room, "ann");
      await joined(bob, room, "bob");
      for (const [what, visit] of [
        ["Closed", bob],
        ["Closed once more", bob],
        ["Closed of a session that was never seen", cat],
      ] as const) {
        mustBeOk(what, await closed(visit));
      }
      mustBeOk("Say", await say(ann, ["hi"]));
      mustEqual("what ann hears", heardBy(ann.session), ["joined bob", "left bob", "said ann: hi"]);
    },
  },
  {
    name: "session.token",
    says: "What a server asks of a frontend carries the cluster's token.",
    async check(stand) {
      const visit = await newcomer(stand);
      const answer = await join(visit, stand.fresh("room"), "ann");
      mustEqual("what was asked without a token", stand.probe.strangers, []);
      must(answer.code === "ok" && visit.session.asked.length > 0, `nothing was asked: Join is answered with ${told(answer)}`);
    },
  },
];

/** A session that nobody has seen yet. */
async function newcomer({ frontend, probe, token }: Stand): Promise<Visit> {
  return { caller: await frontend(), session: probe.session(), token };
}
