import { create } from "@bufbuild/protobuf";
import {
  type SessionEvent,
  type SessionList,
  SessionWatchSchema,
  type UserSession as UserSessionMessage,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, Random } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { type CloseReason, NanoError, toWireError } from "../error/index.ts";
import type { FrameBody, Link } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { Directory } from "../router/index.ts";
import type { SessionEvents, UserSession } from "../session/index.ts";
import { readCloseReason } from "./read-close-reason.ts";

/** Hears of the users' sessions on all frontends, and tells what differs from what it knew. */
export interface SessionWatch {
  linkOpened(link: Link): void;
  /** Takes a frame if it is one of its own. */
  frame(link: Link, body: FrameBody): boolean;
  linkClosed(link: Link): void;
  /** Who is there has changed: every frontend is linked, and the sessions of one that is gone have ended. */
  serversChanged(): void;
  /** What happens on the own frontend. */
  event(frontend: Pick<ServerInfo, "id" | "incarnation">, event: SessionEvent): void;
  stop(): void;
}

/** What a watch is made of. */
export interface SessionWatchOptions {
  readonly events: SessionEvents;
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly directory: Directory;
  /** Where frames of other servers that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
  linkOf(server: Pick<ServerInfo, "incarnation">): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
}

interface Known {
  readonly session: UserSession;
  /** The list that it was on, or that was the last when it came. */
  list: number;
}

interface Watched {
  readonly frontend: string;
  readonly sessions: Map<string, Known>;
  list: number;
}

const firstRelinkMs = 100;
const relinkMs = 1_000;
const unheard: CloseReason = { kind: "lost", message: "the end of the session was not heard of" };
const frontendGone: CloseReason = { kind: "lost", message: "the frontend of the session is gone" };

/** Knows no session yet. */
export function createSessionWatch(options: SessionWatchOptions): SessionWatch {
  const { events, clock, random, log, directory } = options;
  const frontends = new Map<bigint, Watched>();
  const linking = new Set<bigint>();
  let stopped = false;

  function watched({ id, incarnation }: Pick<ServerInfo, "id" | "incarnation">): Watched {
    const known = frontends.get(incarnation) ?? { frontend: id, sessions: new Map(), list: 0 };
    frontends.set(incarnation, known);
    return known;
  }

  function tell(event: keyof SessionEvents, session: UserSession, reason: CloseReason): void {
    try {
      events[event]?.(session, reason);
    } catch (err) {
      log.error({ err, event, session: session.id }, "a listener to session events threw");
    }
  }

  /** The session has this user now; "" is none. */
  function hasUser(of: Watched, message: UserSessionMessage): void {
    const id = idOf(message);
    const known = of.sessions.get(id);
    if (known?.session.user === message.user) {
      known.list = of.list;
      return;
    }
    if (known) {
      of.sessions.delete(id);
      tell("unbound", known.session, unheard);
    }
    if (message.user === "") return;
    const { platform = "", version = "", fingerprint = "", remoteAddress = "" } = message.client ?? {};
    const client = { platform, version, fingerprint: fingerprint || undefined, remoteAddress };
    const session = { id, user: message.user, frontend: of.frontend, client };
    of.sessions.set(id, { session, list: of.list });
    tell("bound", session, unheard);
  }

  function closed(of: Watched, id: string, reason: CloseReason): void {
    const known = of.sessions.get(id);
    if (!known) return;
    of.sessions.delete(id);
    tell("closed", known.session, reason);
  }

  function list(link: Link, { call, sessions, first, last }: SessionList): void {
    const of = watched(link.peer);
    if (first) of.list++;
    for (const session of sessions) hasUser(of, session);
    if (last) for (const [id, known] of [...of.sessions]) if (known.list !== of.list) closed(of, id, unheard);
    link.answer(call, { case: "body", value: new Uint8Array(0) });
  }

  function event(frontend: Pick<ServerInfo, "id" | "incarnation">, { session, closed: reason }: SessionEvent): void {
    if (!session) return;
    if (reason) closed(watched(frontend), idOf(session), readCloseReason(reason));
    else hasUser(watched(frontend), session);
  }

  /** @param call 0: nobody waits for an answer. */
  function refuse(link: Link, call: bigint): void {
    options.counters.framesRefused.frontend++;
    const only = new NanoError({ code: "permission_denied", message: "only frontends have sessions" });
    if (call !== 0n) link.answer(call, { case: "error", value: toWireError(only) });
  }

  /** A frontend that can be talked to is there, whatever discovery says. */
  function forgetGone(): void {
    for (const [incarnation, of] of [...frontends]) {
      if (incarnation === options.incarnation || directory.byIncarnation(incarnation) || options.linkOf({ incarnation }))
        continue;
      frontends.delete(incarnation);
      for (const id of [...of.sessions.keys()]) closed(of, id, frontendGone);
    }
  }

  function link(incarnation: bigint): void {
    const server = directory.byIncarnation(incarnation);
    if (stopped || !server || options.linkOf(server)) return void linking.delete(incarnation);
    linking.add(incarnation);
    options.linkTo(server).then(
      () => linking.delete(incarnation),
      () => clock.after(relinkMs * (0.5 + random.next()), () => link(incarnation)),
    );
  }

  return {
    event,
    linkOpened(link) {
      if (link.peer.frontend) link.send({ case: "sessionWatch", value: create(SessionWatchSchema) });
    },
    frame(link, body) {
      if (body.case !== "sessionList" && body.case !== "sessionEvent") return false;
      if (!link.peer.frontend) refuse(link, body.case === "sessionList" ? body.value.call : 0n);
      else if (body.case === "sessionList") list(link, body.value);
      else event(link.peer, body.value);
      return true;
    },
    linkClosed({ peer: { incarnation, frontend } }) {
      forgetGone();
      if (!frontend || linking.has(incarnation)) return;
      linking.add(incarnation);
      clock.after(firstRelinkMs * random.next(), () => link(incarnation));
    },
    serversChanged() {
      forgetGone();
      for (const { incarnation, frontend, state } of directory.servers) {
        const other = incarnation !== options.incarnation && !linking.has(incarnation);
        if (frontend && state !== "starting" && other) link(incarnation);
      }
    },
    stop() {
      stopped = true;
    },
  };
}

function idOf({ session }: UserSessionMessage): string {
  return Buffer.from(session).toString("hex");
}
