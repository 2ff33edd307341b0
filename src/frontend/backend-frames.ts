import { create } from "@bufbuild/protobuf";
import {
  type Bind,
  BoundSchema,
  type Claim,
  type Gap,
  type GroupChange,
  type Kick,
  MissedSchema,
  type Push,
  type SessionTarget,
  type UserQuery,
  type Write,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError, publicError, toWireError } from "../error/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import { type FrameBody, interestOrder, type Link, messagesOf, noOrder, type Order, type Outcome } from "../link/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { OutgoingPush } from "../session/index.ts";
import type { UserTable } from "../user/index.ts";
import type { ClientSession } from "./client-session.ts";
import { answerGroupQuery } from "./group-query.ts";
import type { SessionPeers } from "./session-peers.ts";

/** What the other servers' frames are done with. */
export interface BackendFramesOptions {
  readonly peers: SessionPeers;
  readonly users: UserTable<ClientSession>;
  readonly membership: Membership;
  sessionById(id: string): ClientSession | undefined;
  sessions(): Iterable<ClientSession>;
  /** Whether bytes are the right to act on a session. */
  hasCapability(id: string, capability: Uint8Array): boolean;
  /** Where frames that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
}

/** What other servers may ask of a frontend: push, kick, bind, write, groups. Gives whether a frame was one of these. */
export function createBackendFrames(options: BackendFramesOptions): (link: Link, body: FrameBody) => boolean {
  const { peers, users, membership } = options;

  /** Throws `not_found` where the session is over, `permission_denied` without the right to it. */
  function sessionOf(link: Link, target: SessionTarget | undefined): ClientSession {
    const by = target?.by;
    if (by?.case === "key") {
      const id = hex(by.value.session);
      if (!options.hasCapability(id, by.value.capability)) {
        options.counters.framesRefused.capability++;
        throw new NanoError({ code: "permission_denied", message: "not the right to this session" });
      }
      return found(options.sessionById(id));
    }
    if (by?.case === "user") return found([...users.of(by.value)][0]);
    return found(by?.case === "handle" ? peers.sessionOf(link, by.value) : undefined);
  }

  function found(session: ClientSession | undefined): ClientSession {
    if (session && !session.core.ended) return session;
    options.counters.framesRefused.ended++;
    throw new NanoError({ code: "not_found", message: "the session has ended" });
  }

  /** @param order What the answer must not overtake: what the work has told the other server. */
  function answering(link: Link, call: bigint, work: () => Outcome | Promise<Outcome>, order: Order = noOrder): void {
    // Outside of a call nobody hears of a failure: the session was over.
    const answer = (outcome: Outcome): void => {
      if (call !== 0n) link.answer(call, outcome, order);
    };
    const fail = (reason: unknown): void => answer({ case: "error", value: toWireError(publicError(reason)) });
    try {
      const outcome = work();
      if (outcome instanceof Promise) outcome.then(answer, fail);
      else answer(outcome);
    } catch (reason) {
      fail(reason);
    }
  }

  async function bind(link: Link, frame: Bind): Promise<Outcome> {
    const former = await sessionOf(link, frame.session).bind(frame.user, frame.roles);
    return { case: "bound", value: create(BoundSchema, { former }) };
  }

  async function write(link: Link, frame: Write): Promise<Outcome> {
    const { patch, expected } = frame;
    if (!patch) throw new NanoError({ code: "invalid_argument", message: "a write without a patch" });
    return { case: "written", value: await sessionOf(link, frame.session).write(patch, expected) };
  }

  function push(link: Link, frame: Push): Outcome {
    const { target } = frame;
    const push: OutgoingPush = { route: frame.route, body: frame.body, delivery: delivery(frame.delivery) };
    const missed = create(MissedSchema);
    if (target.case === "group") {
      const except = new Set(frame.except.map(hex));
      for (const member of membership.members(target.value)) if (!except.has(member.id)) member.push(push);
    } else if (target.case === "users") {
      for (const user of target.value.users) {
        for (const session of users.of(user)) session.push(push);
        if (!users.has(user)) missed.users.push(user);
      }
    } else {
      const by: SessionTarget["by"] =
        target.case === "session" ? { case: "key", value: target.value } : { case: "handle", value: target.value ?? 0 };
      sessionOf(link, { $typeName: "nano.cluster.v1.SessionTarget", by }).push(push);
    }
    return { case: "missed", value: missed };
  }

  function kick(link: Link, frame: Kick): Outcome {
    const kick = { code: frame.code, reason: frame.reason };
    sessionOf(link, frame.session).kick(kick);
    if (frame.session?.by.case === "user") for (const other of [...users.of(frame.session.by.value)]) other.kick(kick);
    return done;
  }

  async function claim(link: Link, { user, session, boundMs, former }: Claim): Promise<Outcome> {
    if (!link.peer.frontend) {
      options.counters.framesRefused.frontend++;
      throw new NanoError({ code: "permission_denied", message: "only frontends have users" });
    }
    const over = former.length === 0 ? undefined : hex(former);
    const ended = await users.claimed({ user, session: hex(session), boundMs: Number(boundMs), former: over });
    return { case: "bound", value: create(BoundSchema, { former: ended }) };
  }

  function away(frame: UserQuery): Outcome {
    return { case: "missed", value: create(MissedSchema, { users: frame.users.filter((user) => !users.has(user)) }) };
  }

  async function changeGroup(link: Link, frame: GroupChange): Promise<Outcome> {
    const group: GroupKey = { type: frame.group?.type ?? "", name: frame.group?.name ?? "" };
    if (!frame.session) {
      for (const member of [...membership.members(group)]) membership.remove(group, member);
      return done;
    }
    const change = frame.remove ? "remove" : frame.everywhere ? "everywhere" : "add";
    const servers = await sessionOf(link, frame.session).changeGroup(group, change);
    return change === "everywhere" ? { case: "missed", value: create(MissedSchema, { servers: [...servers] }) } : done;
  }

  function* missing(link: Link, { handles, groups, users: names, sessions: ids, all }: Gap): Iterable<ClientSession> {
    if (all) return yield* options.sessions();
    const members = groups.flatMap((group) => [...membership.members(group)].map(({ id }) => options.sessionById(id)));
    const named = [
      ...handles.map((handle) => peers.sessionOf(link, handle)),
      ...names.flatMap((name) => [...users.of(name)]),
      ...ids.map((id) => options.sessionById(hex(id))),
    ];
    for (const session of [...members, ...named]) if (session) yield session;
  }

  return (link, body) => {
    switch (body.case) {
      case "push":
        answering(link, body.value.call, () => push(link, body.value));
        return true;
      case "kick":
        answering(link, body.value.call, () => kick(link, body.value));
        return true;
      case "bind":
        answering(link, body.value.call, () => bind(link, body.value), changesOf(body.value.session));
        return true;
      case "write":
        answering(link, body.value.call, () => write(link, body.value), changesOf(body.value.session));
        return true;
      case "groupChange":
        answering(link, body.value.call, () => changeGroup(link, body.value), interestOrder);
        return true;
      case "claim":
        answering(link, body.value.call, () => claim(link, body.value));
        return true;
      case "userQuery":
        answering(link, body.value.call, () => away(body.value));
        return true;
      case "groupQuery":
        answering(link, body.value.call, () => ({ case: "members", value: answerGroupQuery(membership, body.value) }));
        return true;
      case "gap":
        for (const session of missing(link, body.value)) session.missedPushes();
        return true;
      default:
        return false;
    }
  };
}

function changesOf(target: SessionTarget | undefined): Order {
  return target?.by.case === "handle" ? messagesOf(target.by.value) : noOrder;
}

const done: Outcome = { case: "body", value: new Uint8Array(0) };
const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex");

function delivery(text: string): OutgoingPush["delivery"] {
  return text === "latest" || text === "droppable" ? text : "replay";
}
