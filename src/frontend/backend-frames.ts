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
  type SessionKey,
  type SessionQuery,
  type SessionTarget,
  SessionTargetSchema,
  type UserQuery,
  type Write,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError, publicError, toWireError } from "../error/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import { type FrameBody, interestOrder, type Link, messagesOf, noOrder, type Order, type Outcome } from "../link/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { OutgoingPush } from "../session/index.ts";
import type { Tracing } from "../tracing/index.ts";
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
  /** The numbers of the last pushes to groups, by the servers that have made them. */
  readonly heard: Map<bigint, bigint>;
  /** Whether bytes are the right to act on a session. */
  hasCapability(id: string, capability: Uint8Array): boolean;
  /** Where frames that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
  /** Undefined: nothing is traced. */
  readonly tracing: Tracing | undefined;
}

/** What other servers may ask of a frontend: push, kick, bind, write, groups. */
export interface BackendFrames {
  /** Takes a frame of a link, if it is one of these. */
  frame(link: Link, body: FrameBody): boolean;
  /** The same, of a server without a link: sessions are named with the right to them. Rejects with what there is to be told of a failure. */
  ask(body: FrameBody): Promise<Outcome>;
  /** The session that somebody has named. Throws as `ask` rejects. */
  session(key: SessionKey): ClientSession;
}

/** Does what other servers ask. */
export function createBackendFrames(options: BackendFramesOptions): BackendFrames {
  const { peers, users, membership } = options;

  /** Throws `not_found` where the session is over, `permission_denied` without the right to it. */
  function sessionOf(link: Link | undefined, target: SessionTarget | undefined): ClientSession {
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
    return found(link && by?.case === "handle" ? peers.sessionOf(link, by.value) : undefined);
  }

  function found(session: ClientSession | undefined): ClientSession {
    if (session && !session.core.ended) return session;
    options.counters.framesRefused.ended++;
    throw new NanoError({ code: "not_found", message: "the session has ended" });
  }

  /** @param order What the answer must not overtake: what was told the other server. */
  function answering(link: Link, call: bigint, asked: () => Outcome | Promise<Outcome>, order: () => Order): void {
    // Outside of a call nobody hears of a failure: the session was over.
    const answer = (outcome: Outcome): void => {
      if (call !== 0n) link.answer(call, outcome, order());
    };
    const fail = (reason: unknown): void => answer({ case: "error", value: toWireError(publicError(reason)) });
    try {
      const outcome = asked();
      if (outcome instanceof Promise) outcome.then(answer, fail);
      else answer(outcome);
    } catch (reason) {
      fail(reason);
    }
  }

  async function bind(link: Link | undefined, frame: Bind): Promise<Outcome> {
    const former = await sessionOf(link, frame.session).home.bind(frame.user, frame.roles);
    return { case: "bound", value: create(BoundSchema, { former }) };
  }

  async function write(link: Link | undefined, frame: Write): Promise<Outcome> {
    const { patch, expected } = frame;
    if (!patch) throw new NanoError({ code: "invalid_argument", message: "a write without a patch" });
    return { case: "written", value: await sessionOf(link, frame.session).home.write(patch, expected) };
  }

  function push(link: Link | undefined, frame: Push): Outcome {
    const { tracing } = options;
    if (!tracing || frame.traceparent === "") return put(link, frame);
    return tracing.delivering(frame.route, frame, () => put(link, frame));
  }

  /** Puts a push in the logs of its sessions. */
  function put(link: Link | undefined, frame: Push): Outcome {
    const { target } = frame;
    const plain: OutgoingPush = { route: frame.route, body: frame.body, delivery: delivery(frame.delivery) };
    const of = link && frame.number > 0n ? { incarnation: link.peer.incarnation, number: frame.number } : undefined;
    if (of) options.heard.set(of.incarnation, of.number);
    const push = of ? { ...plain, of } : plain;
    const missed = create(MissedSchema);
    if (target.case === "group") {
      const except = new Set(frame.except.map(hex));
      // Without exceptions no id is looked at: of many sessions as little as can be.
      for (const member of membership.members(target.value)) if (except.size === 0 || !except.has(member.id)) member.push(push);
    } else if (target.case === "users") {
      for (const user of target.value.users) {
        for (const session of users.of(user)) session.push(push);
        if (!users.has(user)) missed.users.push(user);
      }
    } else {
      const by =
        target.case === "session"
          ? targetOf(target.value)
          : create(SessionTargetSchema, { by: { case: "handle", value: target.value ?? 0 } });
      sessionOf(link, by).push(push);
    }
    return { case: "missed", value: missed };
  }

  function kick(link: Link | undefined, frame: Kick): Outcome {
    const kick = { code: frame.code, reason: frame.reason };
    sessionOf(link, frame.session).kick(kick);
    if (frame.session?.by.case === "user") for (const other of [...users.of(frame.session.by.value)]) other.kick(kick);
    return done;
  }

  async function claim(link: Link | undefined, { user, session, boundMs, former }: Claim): Promise<Outcome> {
    if (!link?.peer.frontend) {
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

  async function changeGroup(link: Link | undefined, frame: GroupChange): Promise<Outcome> {
    const group: GroupKey = { type: frame.group?.type ?? "", name: frame.group?.name ?? "" };
    if (!frame.session) {
      for (const member of [...membership.members(group)]) membership.remove(group, member);
      return done;
    }
    const change = frame.remove ? "remove" : frame.everywhere ? "everywhere" : "add";
    const servers = await sessionOf(link, frame.session).home.changeGroup(group, change);
    return change === "everywhere" ? { case: "missed", value: create(MissedSchema, { servers: [...servers] }) } : done;
  }

  /** Opens a session on a link: the other server was called by somebody with the right to it. */
  function query(link: Link, { call, session }: SessionQuery): void {
    let order = noOrder;
    const asked = (): Outcome => {
      order = messagesOf(peers.handleOn(link, sessionOf(link, targetOf(session))));
      return done;
    };
    answering(link, call, asked, () => order);
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

  /** What a frame asks for; undefined where it is none of these. */
  function work(link: Link | undefined, body: FrameBody): (() => Outcome | Promise<Outcome>) | undefined {
    switch (body.case) {
      case "push":
        return () => push(link, body.value);
      case "kick":
        return () => kick(link, body.value);
      case "bind":
        return () => bind(link, body.value);
      case "write":
        return () => write(link, body.value);
      case "groupChange":
        return () => changeGroup(link, body.value);
      case "claim":
        return () => claim(link, body.value);
      case "userQuery":
        return () => away(body.value);
      case "groupQuery":
        return () => ({ case: "members", value: answerGroupQuery(membership, body.value) });
      default:
        return undefined;
    }
  }

  return {
    frame(link, body) {
      if (body.case === "gap") {
        for (const session of missing(link, body.value)) session.missedPushes();
        return true;
      }
      if (body.case === "sessionQuery") {
        query(link, body.value);
        return true;
      }
      const asked = work(link, body);
      if (!asked || !("call" in body.value)) return false;
      answering(link, body.value.call, asked, () => orderOf(body));
      return true;
    },
    session: (key) => sessionOf(undefined, targetOf(key)),
    async ask(body) {
      const asked = work(undefined, body);
      if (!asked) throw new NanoError({ code: "unimplemented", message: "nothing that a frontend does" });
      return asked();
    },
  };
}

function targetOf(key: SessionKey | undefined): SessionTarget {
  return create(SessionTargetSchema, key ? { by: { case: "key", value: key } } : {});
}

function orderOf(body: FrameBody): Order {
  if (body.case === "groupChange") return interestOrder;
  return body.case === "bind" || body.case === "write" ? changesOf(body.value.session) : noOrder;
}

function changesOf(target: SessionTarget | undefined): Order {
  return target?.by.case === "handle" ? messagesOf(target.by.value) : noOrder;
}

const done: Outcome = { case: "body", value: new Uint8Array(0) };
const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex");

function delivery(text: string): OutgoingPush["delivery"] {
  return text === "latest" || text === "droppable" ? text : "replay";
}
