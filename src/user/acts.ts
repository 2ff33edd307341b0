import { create } from "@bufbuild/protobuf";
import { KickSchema, PushSchema, UserQuerySchema, UsersSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Kick, NanoError } from "../error/index.ts";
import { ask, type Link } from "../link/index.ts";
import type { OutgoingPush } from "../session/index.ts";

/** A session of this server, as users are reached at it. */
export interface LocalSession {
  push(push: OutgoingPush): void;
  kick(kick: Kick): void;
}

/** What is done with users, where they are. */
export interface Act {
  here(sessions: Iterable<LocalSession>): void;
  there(link: Link, users: readonly string[]): Promise<Absent>;
}

/** For whom it was not done, or nobody knows: these must not be tried again, or it might be done twice. */
export interface Absent {
  readonly away: readonly string[];
  readonly unknown: readonly string[];
}

const answerMs = 5_000;
// Beyond this the names of one push go in several frames.
const mostNameBytes = 65_536;

/** Puts a push in the logs of their sessions. */
export function pushing(now: () => number, push: OutgoingPush): Act {
  return {
    here(sessions) {
      for (const session of sessions) session.push(push);
    },
    there: (to, users) =>
      asked(inPieces(users), async (piece) => {
        const outcome = await ask(to, now() + answerMs, (call) => {
          const target = { case: "users" as const, value: create(UsersSchema, { users: piece }) };
          to.sendData({ case: "push", value: create(PushSchema, { ...push, target, call }) });
        });
        return outcome.case === "missed" ? outcome.value.users : [];
      }),
  };
}

/** Ends their sessions. */
export function kicking(now: () => number, kick: Kick): Act {
  return {
    here(sessions) {
      for (const session of sessions) session.kick(kick);
    },
    there: (to, users) =>
      asked(
        users.map((user) => [user]),
        async ([user = ""]) => {
          try {
            await ask(to, now() + answerMs, (call) => {
              const session = { by: { case: "user" as const, value: user } };
              to.send({ case: "kick", value: create(KickSchema, { session, code: kick.code, reason: kick.reason, call }) });
            });
            return [];
          } catch (reason) {
            if (NanoError.from(reason).code === "not_found") return [user];
            throw reason;
          }
        },
      ),
  };
}

/** Finds out at which other frontends they are. */
export function locating(now: () => number, found: Map<string, string>): Act {
  return {
    here() {},
    async there(to, users) {
      const absent = await asked(inPieces(users), async (piece) => {
        const outcome = await ask(to, now() + answerMs, (call) =>
          to.send({ case: "userQuery", value: create(UserQuerySchema, { call, users: piece }) }),
        );
        return outcome.case === "missed" ? outcome.value.users : [];
      });
      const elsewhere = new Set([...absent.away, ...absent.unknown]);
      for (const user of users) if (!elsewhere.has(user)) found.set(user, to.peer.id);
      return absent;
    },
  };
}

/** Asks for some users at a time, and puts together who was away, and of whom nothing was heard. */
async function asked(pieces: readonly string[][], question: (piece: string[]) => Promise<readonly string[]>): Promise<Absent> {
  const absent = pieces.map((piece) =>
    question(piece).then(
      (away) => ({ away, unknown: [] }),
      () => ({ away: [], unknown: piece }),
    ),
  );
  const all: readonly Absent[] = await Promise.all(absent);
  return { away: all.flatMap(({ away }) => away), unknown: all.flatMap(({ unknown }) => unknown) };
}

function inPieces(users: readonly string[]): string[][] {
  const pieces: string[][] = [[]];
  let bytes = 0;
  for (const user of users) {
    const cost = Buffer.byteLength(user) + 4;
    if (bytes > 0 && bytes + cost > mostNameBytes) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(user);
    bytes += cost;
  }
  return pieces;
}
