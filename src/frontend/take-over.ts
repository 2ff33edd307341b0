import { create, fromBinary } from "@bufbuild/protobuf";
import { type HandedOver, HandedOverSchema, Handover_Step, HandoverSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import { ask, type Link } from "../link/index.ts";
import { isResetReason, type ResetReason } from "../metrics/index.ts";
import type { Directory, ServerKey } from "../router/index.ts";
import type { ClientSession } from "./client-session.ts";
import { handOverBytes } from "./hand-over.ts";
import { readLog } from "./handed-over.ts";
import type { SessionPeers } from "./session-peers.ts";
import type { Ticket } from "./ticket.ts";

/** Takes a session over from a frontend that drains. Gives the session, why it is over, or "later" where it cannot move yet. Never rejects. */
export type TakeOver = (returning: Returning) => Promise<ClientSession | ResetReason | "later">;

/** A client that has come back. */
export interface Returning {
  readonly text: string;
  readonly ticket: Ticket;
  readonly received: number;
  /** Makes the session, which nobody can find yet. */
  begin(id: string): ClientSession;
}

/** What it stands on. */
export interface TakeOverOptions {
  readonly clock: Clock;
  readonly directory: Directory;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
  readonly membership: Membership;
  readonly peers: SessionPeers;
  heardOf(group: GroupKey): Promise<readonly string[]>;
  /** The session is let in. */
  admitted(session: ClientSession): void;
}

const answerMs = 2_000;

/** @param options What it stands on. */
export function createTakeOver(options: TakeOverOptions): TakeOver {
  const { clock, directory, membership, peers } = options;

  async function step(link: Link, { text, received }: Returning, which: Handover_Step, from = 0): Promise<Uint8Array> {
    const outcome = await ask(link, clock.now() + answerMs, (call) =>
      link.send({
        case: "handover",
        value: create(HandoverSchema, { call, ticket: text, step: which, received: BigInt(received), from }),
      }),
    );
    if (outcome.case === "body") return outcome.value;
    throw new NanoError({ code: "internal", message: "the answer makes no sense" });
  }

  async function all(link: Link, returning: Returning, begun: () => void): Promise<HandedOver> {
    const pieces: Uint8Array[] = [];
    for (let at = 0, more = true; more; ) {
      const piece = await step(link, returning, Handover_Step.TAKE, at);
      begun();
      pieces.push(piece);
      at += piece.length;
      more = piece.length === handOverBytes;
    }
    return fromBinary(HandedOverSchema, Buffer.concat(pieces));
  }

  async function join(session: ClientSession, { groups }: HandedOver): Promise<void> {
    for (const { type, name } of groups) membership.add({ type, name }, session.core);
    // Whoever knows of the last of a type's groups knows of all before it.
    const last = new Map(groups.map(({ type, name }) => [type, { type, name }]));
    const missing = await Promise.all([...last.values()].map(options.heardOf));
    if (missing.some((servers) => servers.length > 0)) {
      throw new NanoError({ code: "unavailable", message: "not every server knows that the session is here" });
    }
  }

  /** Servers that have it open hear that it is here: what they say for it has waited for that. */
  async function open(session: ClientSession, servers: readonly bigint[]): Promise<void> {
    const others = servers.filter((incarnation) => incarnation !== session.core.incarnation);
    const there = others.map((incarnation) => directory.byIncarnation(incarnation));
    const links = await Promise.all(there.map((server) => server && options.linkTo(server).catch(() => undefined)));
    for (const link of links) if (link) peers.handleOn(link, session);
  }

  function stuckTo({ stuck }: HandedOver): ReadonlyMap<string, ServerKey> {
    return new Map(stuck.map(({ type, incarnation }) => [type, directory.byIncarnation(incarnation) ?? { id: "", incarnation }]));
  }

  return async (returning) => {
    const { ticket } = returning;
    const server = directory.byIncarnation(ticket.incarnation);
    if (!server?.frontend) return "frontend";
    const link = await options.linkTo(server).catch(() => undefined);
    if (!link) return "frontend";
    let session: ClientSession | undefined;
    let taken = false;
    try {
      const first = fromBinary(HandedOverSchema, await step(link, returning, Handover_Step.BEGIN));
      session = returning.begin(ticket.session);
      session.arrive();
      await join(session, first);
      const state = await all(link, returning, () => {
        taken = true;
      });
      const log = readLog(state.log, directory.registry);
      session.arrived({ state, log, ticket, received: returning.received, stuck: stuckTo(state) });
      options.admitted(session);
      if (state.user !== "") await session.home.bind(state.user, state.roles);
      await open(session, state.servers);
      const late = fromBinary(HandedOverSchema, await step(link, returning, Handover_Step.DONE));
      for (const entry of readLog(late.log, directory.registry)) session.add(entry);
      return session;
    } catch (reason) {
      session?.giveUp("frontend");
      const { code, message } = NanoError.from(reason);
      if (code === "not_found" && isResetReason(message)) return message;
      // Nothing has happened yet, or it was undone.
      return code === "unavailable" && !taken ? "later" : "frontend";
    }
  };
}
