import { timingSafeEqual } from "node:crypto";
import type { End, Forward, Hold, Open, Patch, SessionContext } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import { nextHop } from "../context/index.ts";
import { type CloseReason, type Code, isPublic, NanoError } from "../error/index.ts";
import type { Handlers } from "../handler/index.ts";
import { allPushes, type FrameBody, type Link, pushesOf } from "../link/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import { failureOutcome } from "../router/index.ts";
import type { ServerSessionHooks, SessionCore } from "../session/index.ts";
import { BackendSession, sessionId } from "./backend-session.ts";
import { ForwardedCall, type ForwardedCalls, type ForwardHost } from "./forwarded-call.ts";
import { readCloseReason } from "./read-close-reason.ts";

/** What answers the forwards of other frontends, and knows their sessions. */
export interface Backend {
  /** Sessions of other frontends that were seen here and have not ended. */
  readonly sessions: number;
  /** Those of them that a drain has to serve to its end: a call of a service with sticky methods was answered here. */
  readonly stuck: number;
  /** Those that have ended, and whose close callbacks still run. */
  readonly ending: number;
  /** A session that can be served: undefined where its frontend is to be asked. Throws `permission_denied` without the right to it. */
  find(named: SessionContext): SessionCore | undefined;
  /** Takes a frame if it is one of its own. */
  frame(link: Link, body: FrameBody): boolean;
  /** The stream of a link broke: its frontend has 5 s to open its sessions again. */
  linkBroken(link: Link): void;
  linkClosed(link: Link): void;
  /** The cluster knows a frontend no more: sessions whose link is broken are over. */
  frontendGone(incarnation: bigint): void;
}

/** What a backend is made of. */
export interface BackendOptions {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly hooks: readonly ServerSessionHooks[];
  /** Where frames that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
  /** What sticks a session to this server when it is answered. The default is nothing. */
  readonly stickyRoutes?: ReadonlySet<string>;
  /** How long a frontend may take to come back on another link. The default is 5,000. */
  readonly graceMs?: number;
}

/** What a frontend has opened and asked on one link. */
interface OnLink {
  /** By their handles. */
  readonly sessions: Map<number, BackendSession>;
  readonly calls: ForwardedCalls;
}

// 128 bits in hex.
const sessionIdLength = 32;
// How long a session may be on its way.
const holdMs = 10_000;
const lost: CloseReason = { kind: "lost", message: "the frontend of the session is gone" };

/** The backend half of a server. */
export function createBackend(options: BackendOptions): Backend {
  const { handlers, clock, log } = options;
  const links = new Map<Link, OnLink>();
  const sessions = new Map<string, BackendSession>();
  const stuck = new Set<BackendSession>();
  let ending = 0;
  const home = {
    now: () => clock.now(),
    lost: (error: NanoError) => log.warn({ err: error }, "a push did not leave"),
  };

  const host: ForwardHost = {
    answered({ frame, session }) {
      if (options.stickyRoutes?.has(frame.route) && !session.core.ended) stuck.add(session);
    },
    failed: fail,
  };

  function onLink(link: Link): OnLink {
    let there = links.get(link);
    if (!there) {
      there = { sessions: new Map(), calls: new Map() };
      links.set(link, there);
    }
    return there;
  }

  /** Throws where the frame makes no sense: the link ends with it. */
  function open(link: Link, frame: Open): void {
    const there = onLink(link);
    const id = sessionId(frame);
    let session = sessions.get(id);
    if (!link.peer.frontend) throw notFor("only frontends open sessions");
    if (frame.context?.incarnation !== link.peer.incarnation) throw notFor("the session of another frontend");
    if (id.length !== sessionIdLength) throw refusal("invalid_argument", `"${id}" is no session`);
    const moves = session !== undefined && session.core.incarnation !== link.peer.incarnation;
    if (moves && !session?.held) throw notFor("a session has one home");
    const taken = there.sessions.get(frame.handle);
    // After a break sessions come back under their handles.
    if (taken && !taken.core.ended && (taken !== session || taken.awaySinceMs === undefined)) {
      throw refusal("invalid_argument", `the handle ${frame.handle} is taken`);
    }
    if (session && moves) {
      if (session.link) links.get(session.link)?.sessions.delete(session.handle);
      session.moved(link, frame);
    } else if (session) session.reopen(link, frame);
    else {
      session = new BackendSession(link, frame, home, (reason) =>
        log.error({ err: reason, session: id }, "a session listener threw"),
      );
      sessions.set(id, session);
      for (const hook of options.hooks) hook.attach(session.core);
      // Heard as what happened: whoever hears that the client is back has heard that it was away.
      if (frame.context?.paused) session.core.setPaused(true);
    }
    there.sessions.set(frame.handle, session);
  }

  function notFor(message: string): NanoError {
    options.counters.framesRefused.frontend++;
    return refusal("permission_denied", message);
  }

  function patch(link: Link, frame: Patch): void {
    const session = links.get(link)?.sessions.get(frame.handle);
    if (!session) return;
    if (frame.data) session.core.applied(frame.data);
    if (frame.user) session.core.userChanged(frame.user.user || undefined, frame.user.roles);
    // Its frontend keeps it after all.
    if (frame.paused !== undefined) session.release();
    if (frame.paused !== undefined) session.core.setPaused(frame.paused);
  }

  /** Whoever holds up a session for ever would hold up its handlers. */
  function hold(link: Link, { call, handle }: Hold): void {
    if (!link.peer.frontend) return link.answer(call, failureOutcome(notFor("only frontends hold sessions up")));
    const session = links.get(link)?.sessions.get(handle);
    if (session) {
      const move = session.hold();
      clock.after(holdMs, () => session.release(move));
    }
    link.answer(call, { case: "body", value: new Uint8Array(0) }, allPushes);
  }

  async function end(link: Link, frame: End): Promise<void> {
    const handles = links.get(link)?.sessions;
    const session = handles?.get(frame.handle);
    handles?.delete(frame.handle);
    if (session) await over(session, readCloseReason(frame.reason));
    link.answer(frame.call, { case: "body", value: new Uint8Array(0) }, pushesOf(frame.handle));
  }

  function over(session: BackendSession, reason: CloseReason): Promise<void> {
    sessions.delete(session.core.id);
    stuck.delete(session);
    ending++;
    const ended = session.end(reason).finally(() => ending--);
    session.breakOff(refusal("canceled", "the session has ended"));
    return ended;
  }

  function forward(link: Link, frame: Forward): void {
    const there = onLink(link);
    const session = there.sessions.get(frame.handle);
    const { envelope } = frame;
    if (!session) {
      const reason = link.peer.frontend
        ? refusal("failed_precondition", "the session was not opened on this link")
        : notFor("only frontends forward");
      return fail(link, frame, reason);
    }
    let hops: number;
    try {
      hops = nextHop(envelope?.hops ?? 0);
    } catch (reason) {
      return fail(link, frame, reason);
    }
    const call = new ForwardedCall(link, frame, session, there.calls, host);
    const arrivedMs = clock.now();
    const info = {
      arrivedMs,
      deadlineMs: arrivedMs + (envelope?.remainingMs ?? 0),
      hops,
      traceparent: envelope?.traceparent ?? "",
      tracestate: envelope?.tracestate ?? "",
      attempt: envelope?.attempt ?? 0,
    };
    const handled = handlers.dispatch(session.core, frame.route, frame.body, info, call);
    if (handled) call.goesOn(handled);
  }

  function fail(link: Link, frame: Forward, reason: unknown): void {
    if (!isPublic(reason)) log.error({ err: reason, route: frame.route }, "a handler threw");
    link.answer(frame.call, failureOutcome(reason), pushesOf(frame.handle));
  }

  function cancel(link: Link, call: bigint): boolean {
    const forwarded = links.get(link)?.calls.get(call);
    forwarded?.breakOff(refusal("canceled", "the caller gave up"));
    return forwarded !== undefined;
  }

  /** Their frontend has so long to open them again. */
  function away(gone: ReadonlySet<BackendSession>): void {
    if (gone.size === 0) return;
    const sinceMs = clock.now();
    for (const session of gone) session.awaySinceMs = sinceMs;
    // Not those that were back, and are away again.
    clock.after(options.graceMs ?? 5_000, () => endWhere((session) => gone.has(session) && session.awaySinceMs === sinceMs));
  }

  function endWhere(lostNow: (session: BackendSession) => boolean): void {
    for (const session of [...sessions.values()]) if (lostNow(session)) void over(session, lost);
  }

  return {
    get sessions() {
      return sessions.size;
    },
    get stuck() {
      return stuck.size;
    },
    get ending() {
      return ending;
    },
    find({ session: id, capability, incarnation }) {
      const session = sessions.get(Buffer.from(id).toString("hex"));
      if (!session?.link || session.awaySinceMs !== undefined || session.core.incarnation !== incarnation) return undefined;
      const right = session.capability;
      if (right.length === capability.length && timingSafeEqual(right, capability)) return session.core;
      options.counters.framesRefused.capability++;
      throw refusal("permission_denied", "not the right to this session");
    },
    frame(link, body) {
      switch (body.case) {
        case "open":
          open(link, body.value);
          return true;
        case "patch":
          patch(link, body.value);
          return true;
        case "end":
          void end(link, body.value);
          return true;
        case "forward":
          forward(link, body.value);
          return true;
        case "hold":
          hold(link, body.value);
          return true;
        case "synced":
          // Whatever the frontend still has, it has opened again.
          endWhere((session) => session.core.incarnation === link.peer.incarnation && session.awaySinceMs !== undefined);
          return true;
        case "cancel":
          return cancel(link, body.value.call);
        default:
          return false;
      }
    },
    linkBroken(link) {
      away(new Set([...(links.get(link)?.sessions.values() ?? [])].filter((session) => session.link === link)));
    },
    linkClosed(link) {
      const left = new Set<BackendSession>();
      for (const session of links.get(link)?.sessions.values() ?? []) {
        if (session.link !== link) continue;
        session.link = undefined;
        session.calls.clear();
        if (session.awaySinceMs === undefined) left.add(session);
      }
      links.delete(link);
      away(left);
    },
    frontendGone: (incarnation) =>
      endWhere((session) => session.core.incarnation === incarnation && session.awaySinceMs !== undefined),
  };
}

function refusal(code: Code, message: string): NanoError {
  return new NanoError({ code, message });
}
