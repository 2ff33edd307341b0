import { JoinRequestSchema } from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import type { Answer, Caller } from "../caller.ts";
import { encode, heardBy, join, joined, mustBeOk, paths, say, stats, told } from "../chat.ts";
import { must, mustEqual, type Point, Skipped } from "../point.ts";
import type { ProbeSession } from "../probe-session.ts";

const refusals: ReadonlySet<string> = new Set(["invalid_argument", "unauthenticated", "permission_denied", "resource_exhausted"]);

/** What is not let in, and that the server goes on after it. */
export const doorPoints: readonly Point[] = [
  {
    name: "door.token",
    says: "In a cluster with tokens, whoever does not show one as `authorization: Bearer TOKEN` is unauthenticated, whatever is called.",
    async check({ token, probe, caller, fresh }) {
      const { authorization } = token;
      if (authorization === undefined) throw new Skipped("the cluster has no token");
      const to = await caller();
      const wrong = [
        undefined,
        "Bearer",
        `${authorization}x`,
        authorization.slice(0, -1),
        authorization.replace("Bearer", "Basic"),
      ];
      for (const one of wrong) {
        const shown: Record<string, string> = one === undefined ? {} : { authorization: one };
        const as = one === undefined ? "no token" : one === "Bearer" ? "an empty token" : "a wrong token";
        mustEqual(`Stats with ${as}`, (await stats(to, shown)).code, "unauthenticated");
        const visit = { caller: to, session: probe.session(), token: shown };
        mustEqual(`Join with ${as}`, (await join(visit, fresh("room"), "ann")).code, "unauthenticated");
      }
      mustBeOk("Stats with the token", await stats(to, token));
    },
  },
  {
    name: "door.session-missing",
    says: "A handler is not called without a session in `nano-session-bin`.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const bodies = [encode(JoinRequestSchema, { room: fresh("room"), name: "ann" })];
      mustBeRefused("Join without the header", await to.call({ path: paths.join, headers: token, bodies }));
      await joined({ caller: to, session: probe.session(), token }, fresh("room"), "ann");
    },
  },
  {
    name: "door.session-garbage",
    says: "A header that is no nano.cluster.v1.SessionContext is refused, and the server goes on.",
    async check({ frontend, token, probe, fresh }) {
      const ask = (to: Caller, garbage: string): Promise<Answer> => {
        const bodies = [encode(JoinRequestSchema, { room: fresh("room"), name: "ann" })];
        return to.call({ path: paths.join, headers: { ...token, "nano-session-bin": garbage }, bodies });
      };
      const to = await frontend();
      const session = probe.session();
      for (const garbage of ["", "AAAA", Buffer.alloc(60, 0xff).toString("base64"), half(session)]) {
        mustBeRefused(`Join with "${garbage.slice(0, 12)}" as its session`, await ask(to, garbage));
      }
      await joined({ caller: to, session, token }, fresh("room"), "ann");
      // What is no base64 a library may answer by itself, as it likes, and have enough of the connection.
      must((await ask(await frontend(), "%%%")).code !== "ok", "Join with what is no base64 as its session is answered");
      await joined({ caller: await frontend(), session: probe.session(), token }, fresh("room"), "ann");
    },
  },
  {
    name: "door.session-large",
    says: "A header of over 4,096 bytes is refused, and the server goes on.",
    async check({ frontend, token, probe, fresh }) {
      // A context that can be read, but for its size: a user of so many bytes.
      for (const bytes of [4_100, 6_000, 60_000]) {
        const visit = { caller: await frontend(), session: probe.session({ user: "u".repeat(bytes), room: "" }), token };
        const answer = await join(visit, fresh("room"), "ann");
        // Of headers without measure a library may think the same, and end the stream.
        if (bytes < 60_000 || answer.code !== "reset") mustBeRefused(`Join with a session of over ${bytes} bytes`, answer);
      }
      await joined({ caller: await frontend(), session: probe.session(), token }, fresh("room"), "ann");
    },
  },
  {
    name: "door.unknown",
    says: "Methods and services that the server does not have are unimplemented, and so are pushes, which nobody calls.",
    async check({ frontend, token, probe }) {
      const to = await frontend();
      const headers = { ...token, ...probe.session().header };
      for (const path of ["chat.v1.RoomService/Leave", "chat.v1.ShopService/Buy", "chat.v1.RoomService/Joined", "none"]) {
        mustEqual(path, (await to.call({ path, headers, bodies: [new Uint8Array(0)] })).code, "unimplemented");
      }
    },
  },
  {
    name: "door.malformed",
    says: "A body that is not the method's message is invalid_argument, and the server goes on.",
    async check({ frontend, token, probe, fresh }) {
      const to = await frontend();
      const visit = { caller: to, session: probe.session(), token };
      const headers = { ...token, ...visit.session.header };
      for (const path of [paths.join, paths.say, paths.stats]) {
        // A tag without its value; a length beyond the end; a number that does not end.
        for (const bytes of [[0x0a], [0x0a, 0x7f, 0x41], [0x08, 0xff]]) {
          const { code } = await to.call({ path, headers, bodies: [Uint8Array.from(bytes)] });
          mustEqual(`${path} with a malformed body`, code, "invalid_argument");
        }
      }
      await joined(visit, fresh("room"), "ann");
    },
  },
  {
    name: "door.one-message",
    says: "A notify is a stream of exactly one message: none and two are invalid_argument, and nothing is done.",
    async check({ frontend, token, probe, fresh }) {
      const visit = { caller: await frontend(), session: probe.session(), token };
      await joined(visit, fresh("room"), "ann");
      for (const texts of [[], ["one", "two"]]) {
        mustEqual(`Say with ${texts.length} messages`, (await say(visit, texts)).code, "invalid_argument");
      }
      mustBeOk("Say with one message", await say(visit, ["three"]));
      mustEqual("what the room heard", heardBy(visit.session), ["said ann: three"]);
    },
  },
];

function mustBeRefused(what: string, answer: Answer): void {
  must(refusals.has(answer.code), `${what} is answered with ${told(answer)}, not with one of ${[...refusals].join(", ")}`);
}

/** A session's header that ends before it is complete. */
function half(session: ProbeSession): string {
  const header = session.header["nano-session-bin"] ?? "";
  return Buffer.from(Buffer.from(header, "base64").subarray(0, 20)).toString("base64");
}
