import { create, type Message } from "@bufbuild/protobuf";
import {
  GroupChangeSchema,
  GroupNameSchema,
  GroupQuerySchema,
  type Members,
  MembersSchema,
  PushSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Init, Push } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import { ask, type FrameBody, type Link, type Outcome } from "../link/index.ts";
import {
  encodePush,
  type MustLive,
  type OutgoingPush,
  type Reach,
  type Session,
  type SessionCore,
  SessionView,
} from "../session/index.ts";
import type { TraceCarrier } from "../tracing/index.ts";
import type { Group, GroupAdded, GroupAddOptions, GroupKey, GroupPushOptions, Member } from "./group.ts";
import type { Interest } from "./interest.ts";
import type { Membership } from "./membership.ts";

/** What groups are made of on one server. */
export interface GroupsOptions {
  /** The id of this server. */
  readonly self: string;
  /** Its types: it hears of the groups of these. */
  readonly types: readonly string[];
  /** The sessions that this server itself holds; undefined where it is no frontend. */
  readonly membership: Membership | undefined;
  /** Of this server. */
  readonly incarnation: bigint;
  /** Counts the pushes to groups that this server makes. */
  readonly pushed: { number: bigint };
  /** The other frontends. */
  readonly interest: Interest;
  readonly now: () => number;
  /** How long a question to a frontend may take. The default is 5,000. */
  readonly timeoutMs?: number;
  /** A push that a frontend will not get: its link is full or gone. */
  readonly lost: (link: Link, error: NanoError) => void;
}

// Names are told to every server of the type, often many of them in one frame.
const maxNameCharacters = 256;

/** The groups as user code has them; throws NanoError `invalid_argument` for a name that none may have. */
export function createGroups(options: GroupsOptions): (key: GroupKey, mustLive: MustLive) => Group {
  return (key, mustLive) => {
    const { length } = key.name;
    if (length === 0 || length > maxNameCharacters) {
      throw new NanoError({
        code: "invalid_argument",
        message: `a group's name has 1 to ${maxNameCharacters} characters: this one has ${length}`,
      });
    }
    return new ClusterGroup(options, key, mustLive);
  };
}

/** What is asked of one frontend: how many, whether one is there, or who comes behind one. */
type GroupQuestion = { readonly count: boolean } | { readonly session: Uint8Array } | { readonly after: Uint8Array };

class ClusterGroup implements Group {
  readonly #options: GroupsOptions;
  readonly #key: GroupKey;
  readonly #mustLive: MustLive;

  constructor(options: GroupsOptions, key: GroupKey, mustLive: MustLive) {
    this.#options = options;
    this.#key = key;
    this.#mustLive = mustLive;
  }

  get name(): string {
    return this.#key.name;
  }

  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, pushOptions?: GroupPushOptions): void {
    const from = this.#mustHear(push.route);
    const outgoing = this.#numbered(encodePush(push, message, from));
    const except = exceptions(pushOptions);
    // Without exceptions no id is looked at: of many sessions as little as can be.
    for (const member of this.#local()) if (except.size === 0 || !except.has(member.id)) member.push(outgoing);
    for (const link of this.#options.interest.linksOf(this.#key)) {
      try {
        link.sendData(this.#frame(outgoing, except, 0n));
      } catch (reason) {
        this.#options.lost(link, NanoError.from(reason));
      }
    }
    this.#passBy(outgoing);
  }

  async deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, pushOptions?: GroupPushOptions): Promise<Reach> {
    const from = this.#mustHear(push.route);
    const outgoing = this.#numbered(encodePush(push, message, from));
    const except = exceptions(pushOptions);
    const here = [...this.#local()].filter((member) => !except.has(member.id));
    const local = here.map(async (member) => {
      return (await member.deliver(outgoing)) ? [] : [member.user ?? member.id];
    });
    const remote = [...this.#options.interest.linksOf(this.#key)].map(async (link) => {
      try {
        const outcome = await this.#ask(link, (call) => link.sendData(this.#frame(outgoing, except, call)));
        if (outcome.case !== "missed") return [];
        return [...outcome.value.users, ...outcome.value.sessions.map(hex)];
      } catch (reason) {
        this.#options.lost(link, NanoError.from(reason));
        // Who was there is only known there.
        return [link.peer.id];
      }
    });
    const passed = this.#passBy(outgoing);
    return { missed: [...(await Promise.all([...local, ...remote])).flat(), ...passed] };
  }

  async add(session: Session, { everywhere = false }: GroupAddOptions = {}): Promise<GroupAdded> {
    this.#mustLive();
    return { missing: await SessionView.coreOf(session).changeGroup(this.#key, everywhere ? "everywhere" : "add") };
  }

  async remove(session: Session): Promise<void> {
    this.#mustLive();
    await SessionView.coreOf(session).changeGroup(this.#key, "remove");
  }

  async close(): Promise<void> {
    this.#mustHear();
    const { membership, interest } = this.#options;
    for (const member of [...(membership?.members(this.#key) ?? [])]) membership?.remove(this.#key, member);
    await Promise.all(
      [...interest.linksOf(this.#key)].map((link) =>
        this.#ask(link, (call) =>
          link.send({ case: "groupChange", value: create(GroupChangeSchema, { call, group: this.#key, remove: true }) }),
        ),
      ),
    );
  }

  async has(session: Session): Promise<boolean> {
    this.#mustHear();
    const { membership } = this.#options;
    const core = SessionView.coreOf(session);
    if (membership?.has(this.#key, core)) return true;
    // Only its own frontend can know it.
    const link = this.#links().find(({ peer }) => peer.incarnation === core.incarnation);
    if (!link) return false;
    const { members } = await this.#query(link, { session: Buffer.from(core.id, "hex") });
    return members.some((member) => hex(member.session) === core.id);
  }

  async count(): Promise<number> {
    this.#mustHear();
    const here = this.#options.membership?.count(this.#key) ?? 0;
    const there = await Promise.all(this.#links().map(async (link) => (await this.#query(link, { count: true })).count));
    return there.reduce((sum, count) => sum + count, here);
  }

  async members(): Promise<readonly Member[]> {
    this.#mustHear();
    const { membership, self } = this.#options;
    const local = [...(membership?.members(this.#key) ?? [])].map((member) => ({
      session: member.id,
      user: member.user,
      frontend: self,
    }));
    return [...local, ...(await Promise.all(this.#links().map((link) => this.#membersOf(link)))).flat()];
  }

  /** All that one frontend has, page by page: many do not fit a frame. */
  async #membersOf(link: Link): Promise<readonly Member[]> {
    const all: Member[] = [];
    for (let after = new Uint8Array(0); ; ) {
      const page = await this.#query(link, { after });
      for (const { session, user } of page.members) {
        all.push({ session: hex(session), user: user === "" ? undefined : user, frontend: link.peer.id });
      }
      const last = page.members.at(-1);
      if (!page.more || !last) return all;
      after = Uint8Array.from(last.session);
    }
  }

  async #query(link: Link, question: GroupQuestion): Promise<Members> {
    const outcome = await this.#ask(link, (call) =>
      link.send({ case: "groupQuery", value: create(GroupQuerySchema, { ...question, call, group: this.#key }) }),
    );
    return outcome.case === "members" ? outcome.value : create(MembersSchema);
  }

  #links(): readonly Link[] {
    return [...this.#options.interest.linksOf(this.#key)];
  }

  /** Frontends tell only the servers of a group's type that they have members: to any other all groups would look empty. */
  #mustHear(pushed?: string): TraceCarrier | undefined {
    const from = this.#mustLive(pushed);
    const { types } = this.#options;
    const { type, name } = this.#key;
    if (type === "" || types.includes(type)) return from;
    throw new NanoError({
      code: "failed_precondition",
      message: `the group "${name}" is of servers of the type "${type}", and this one is of ${types.join(", ") || "none"}: ask one of them, or name a group of all by { type: "" }`,
    });
  }

  /** The frontends out of reach that may have members: of what may be dropped they need not hear. */
  #passBy({ delivery }: OutgoingPush): readonly string[] {
    return delivery === "droppable" ? [] : this.#options.interest.passBy(this.#key);
  }

  #local(): Iterable<SessionCore> {
    return this.#options.membership?.members(this.#key) ?? [];
  }

  #numbered(push: OutgoingPush): OutgoingPush {
    const { incarnation, pushed } = this.#options;
    return { ...push, of: { incarnation, number: ++pushed.number } };
  }

  #frame({ of, ...push }: OutgoingPush, except: ReadonlySet<string>, call: bigint): FrameBody {
    return {
      case: "push",
      value: create(PushSchema, {
        ...push,
        target: { case: "group", value: create(GroupNameSchema, { ...this.#key }) },
        except: [...except].map((id) => Buffer.from(id, "hex")),
        call,
        number: of?.number ?? 0n,
      }),
    };
  }

  #ask(link: Link, send: (call: bigint) => void): Promise<Outcome> {
    return ask(link, this.#options.now() + (this.#options.timeoutMs ?? 5_000), send);
  }
}

const hex = (id: Uint8Array): string => Buffer.from(id).toString("hex");

function exceptions(options: GroupPushOptions | undefined): ReadonlySet<string> {
  const { except } = options ?? {};
  if (except === undefined) return new Set();
  return new Set((Array.isArray(except) ? except : [except]).map((session: Session) => session.id));
}
