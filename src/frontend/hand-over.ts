import { create, toBinary } from "@bufbuild/protobuf";
import { HandedOverSchema, type Handover, Handover_Step, HoldSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Clock, sleep, type Timer } from "../clock/index.ts";
import { NanoError, publicError, toWireError } from "../error/index.ts";
import type { Membership } from "../group/index.ts";
import { ask, type FrameBody, type Link } from "../link/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import { ClientSession } from "./client-session.ts";
import { handedOver, wireLog } from "./handed-over.ts";
import type { FindReturning } from "./returning.ts";
import type { SessionPeers } from "./session-peers.ts";

/** Gives sessions of a frontend that drains to those that ask for them. */
export interface HandOver {
  /** Takes a frame if it is one of these. */
  frame(link: Link, body: FrameBody): boolean;
}

/** What it stands on. */
export interface HandOverOptions {
  readonly clock: Clock;
  readonly returning: FindReturning;
  readonly peers: SessionPeers;
  readonly membership: Membership;
  readonly links: () => Iterable<Link>;
  /** The numbers of the last pushes to groups, by the servers that have made them. */
  readonly heard: () => ReadonlyMap<bigint, bigint>;
  readonly isOpen: () => boolean;
  /** Where frames of other servers that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
}

/** A session on its way. */
interface Leaving {
  readonly to: bigint;
  readonly received: number;
  readonly timer: Timer;
  /** All that is known of it, once it was asked for. */
  bytes: Promise<Uint8Array> | undefined;
}

/** How much of a session goes in one frame: less than goes in pieces. */
export const handOverBytes = 48 * 1_024;
// All of it takes a few round trips; whoever does not come to an end will not.
const leavingMs = 8_000;
const quietMs = 1_000;
const lookMs = 20;
const holdMs = 1_500;

/** None is under way. */
export function createHandOver(options: HandOverOptions): HandOver {
  const { clock, peers, membership, counters } = options;
  const leaving = new Map<ClientSession, Leaving>();

  function sessionOf(ticket: string): ClientSession {
    const found = options.returning(ticket);
    // One that is over has its last words here.
    if ("session" in found && found.session instanceof ClientSession) return found.session;
    throw new NanoError({ code: "not_found", message: "reset" in found ? found.reset : "unknown" });
  }

  function stay(session: ClientSession): void {
    const own = leaving.get(session);
    own?.timer.cancel();
    leaving.delete(session);
    session.core.setMoving(false);
    if (session.isOver) return;
    // Nobody knows whether the other has it.
    if (own?.bytes) session.giveUp("frontend");
    else peers.pausedChanged(session);
  }

  async function begin(link: Link, { ticket, received }: Handover): Promise<Uint8Array> {
    if (options.isOpen()) throw new NanoError({ code: "failed_precondition", message: "this frontend does not drain" });
    const session = sessionOf(ticket);
    const count = Number(received);
    if (!session.log.reaches(count)) throw new NanoError({ code: "not_found", message: "history" });
    if (leaving.has(session)) throw new NanoError({ code: "unavailable", message: "the session is on its way already" });
    const timer = clock.after(leavingMs, () => stay(session));
    leaving.set(session, { to: link.peer.incarnation, received: count, timer, bytes: undefined });
    session.letGo();
    session.core.setMoving(true);
    for (const untilMs = clock.now() + quietMs; session.pending > 0 && !session.isOver; await sleep(clock, lookMs)) {
      if (clock.now() < untilMs) continue;
      stay(session);
      throw new NanoError({ code: "unavailable", message: "messages of the session are under way" });
    }
    const groups = membership.groupsOf(session.core).map((key) => ({ ...key }));
    return toBinary(HandedOverSchema, create(HandedOverSchema, { groups }));
  }

  /** Waits for all that was pushed to it before the other frontend was known to have members of its groups. */
  async function last(session: ClientSession, { received }: Leaving): Promise<Uint8Array> {
    const servers = [...peers.linksOf(session)].map((link) => link.peer.incarnation);
    const groups = membership.groupsOf(session.core);
    try {
      await Promise.all(
        [...options.links()].map((link) =>
          ask(link, clock.now() + holdMs, (call) =>
            link.send({ case: "hold", value: create(HoldSchema, { call, handle: peers.handleOf(link, session) }) }),
          ),
        ),
      );
    } catch (reason) {
      const own = leaving.get(session);
      if (own) own.bytes = undefined;
      stay(session);
      throw new NanoError({ code: "unavailable", message: "a server does not answer", cause: reason });
    }
    if (session.isOver) throw new NanoError({ code: "not_found", message: "unknown" });
    const bytes = toBinary(HandedOverSchema, handedOver(session, { received, groups, heard: options.heard(), servers }));
    membership.leaveAll(session.core);
    // What comes from now on goes behind it.
    session.log.clear();
    return bytes;
  }

  async function take(link: Link, frame: Handover): Promise<Uint8Array> {
    const session = sessionOf(frame.ticket);
    const own = ownOf(link, session);
    own.bytes ??= last(session, own);
    return (await own.bytes).subarray(frame.from, frame.from + handOverBytes);
  }

  async function done(link: Link, { ticket }: Handover): Promise<Uint8Array> {
    const session = sessionOf(ticket);
    const own = ownOf(link, session);
    await own.bytes;
    own.timer.cancel();
    leaving.delete(session);
    const late = create(HandedOverSchema, { log: wireLog(session.log.behind(0)) });
    session.movedAway();
    return toBinary(HandedOverSchema, late);
  }

  function ownOf(link: Link, session: ClientSession): Leaving {
    const own = leaving.get(session);
    if (own?.to === link.peer.incarnation) return own;
    throw new NanoError({ code: "not_found", message: "frontend" });
  }

  function step(link: Link, frame: Handover): Promise<Uint8Array> {
    if (frame.step === Handover_Step.BEGIN) return begin(link, frame);
    return frame.step === Handover_Step.TAKE ? take(link, frame) : done(link, frame);
  }

  return {
    frame(link, body) {
      if (body.case !== "handover") return false;
      const { call } = body.value;
      const fail = (reason: unknown): void => link.answer(call, { case: "error", value: toWireError(publicError(reason)) });
      if (link.peer.frontend) step(link, body.value).then((value) => link.answer(call, { case: "body", value }), fail);
      else {
        counters.framesRefused.frontend++;
        fail(new NanoError({ code: "permission_denied", message: "only frontends have sessions" }));
      }
      return true;
    },
  };
}
