import { create } from "@bufbuild/protobuf";
import {
  ClientInfoSchema,
  CloseReasonSchema,
  type SessionEvent,
  SessionEventSchema,
  SessionListSchema,
  type UserSession,
  UserSessionSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";
import { ask, type FrameBody, type Link } from "../link/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { SessionPeers } from "./session-peers.ts";

/** Tells the servers that watch who has come and gone of the sessions with a user. */
export interface SessionNews {
  /** What sessions' servers are told, and after that who watches. */
  readonly peers: SessionPeers;
  /** Takes a frame if it is one of its own. */
  frame(link: Link, body: FrameBody): boolean;
  /** The link has no stream any more. Who watches says so again on the next. */
  forget(link: Link): void;
}

/** What news are made of. */
export interface SessionNewsOptions {
  readonly peers: SessionPeers;
  readonly clock: Clock;
  /** The own server watches as well. */
  readonly here: ((event: SessionEvent) => void) | undefined;
}

const pieceBytes = 32_768;
// A list of which a piece is not answered begins anew.
const pieceTimeoutMs = 10_000;
const againMs = 1_000;

/** Nobody watches yet. */
export function createSessionNews({ peers, clock, here }: SessionNewsOptions): SessionNews {
  const watching = new Map<Link, object>();
  const withUser = new Set<ClientSession>();

  /** Lays out what to tell; a session that ends gives its handles back before it is told. */
  function news(session: ClientSession, closed?: CloseReason): () => void {
    if (watching.size === 0 && !here) return () => {};
    const event = create(SessionEventSchema, {
      session: closed ? create(UserSessionSchema, { session: idOf(session) }) : userSession(session),
      ...(closed ? { closed: create(CloseReasonSchema, { ...closed, code: closed.code ?? "" }) } : {}),
    });
    const handles = [...watching.keys()].map((link) => [link, peers.handleOf(link, session)] as const);
    return () => {
      for (const [link, handle] of handles) link.send({ case: "sessionEvent", value: { ...event, handle } });
      if (here) queueMicrotask(() => here(event));
    };
  }

  /** All that have a user. What happens to them meanwhile is told beside. */
  async function list(link: Link, watched: () => boolean): Promise<void> {
    const all = [...withUser];
    for (let at = 0, first = true; watched() && (first || at < all.length); first = false) {
      const piece: UserSession[] = [];
      for (let bytes = 0; at < all.length && bytes < pieceBytes; at++) {
        const session = all[at];
        if (!session || !withUser.has(session)) continue;
        const told = userSession(session);
        piece.push(told);
        bytes += sizeOf(told);
      }
      const last = at >= all.length;
      const value = { sessions: piece, first, last };
      await ask(link, clock.now() + pieceTimeoutMs, (call) =>
        link.send({ case: "sessionList", value: create(SessionListSchema, { call, ...value }) }),
      );
    }
  }

  function watch(link: Link): void {
    // Another watch on the link, or another stream, takes its place.
    const token = {};
    watching.set(link, token);
    const watched = (): boolean => watching.get(link) === token;
    const begin = (): void => {
      if (watched()) list(link, watched).catch(() => void clock.after(againMs, begin));
    };
    begin();
  }

  return {
    peers: {
      ...peers,
      userChanged(session) {
        peers.userChanged(session);
        if (session.core.user === undefined) withUser.delete(session);
        else withUser.add(session);
        news(session)();
      },
      movedAway(session, reason) {
        const tell = withUser.delete(session) ? news(session, reason) : undefined;
        peers.movedAway(session, reason);
        tell?.();
      },
      ended(session, reason) {
        const tell = withUser.delete(session) ? news(session, reason) : undefined;
        const ended = peers.ended(session, reason);
        tell?.();
        return ended;
      },
    },
    frame(link, body) {
      if (body.case !== "sessionWatch") return false;
      watch(link);
      return true;
    },
    forget: (link) => void watching.delete(link),
  };
}

function userSession({ core, id }: ClientSession): UserSession {
  const { user = "", client } = core;
  const info = create(ClientInfoSchema, { ...client, fingerprint: client.fingerprint ?? "" });
  return create(UserSessionSchema, { session: idOf({ id }), user, client: info });
}

function idOf({ id }: Pick<ClientSession, "id">): Uint8Array {
  return Buffer.from(id, "hex");
}

// At the most: a character has no more than three bytes.
function sizeOf({ user, client }: UserSession): number {
  const { platform = "", version = "", fingerprint = "", remoteAddress = "" } = client ?? {};
  return 64 + 3 * (user.length + platform.length + version.length + fingerprint.length + remoteAddress.length);
}
