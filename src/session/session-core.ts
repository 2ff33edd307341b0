import type { DescMessage, Message } from "@bufbuild/protobuf";
import { type CloseReason, type Kick, NanoError } from "../error/index.ts";
import { type DataPatch, decodeData } from "./data-patch.ts";
import { Mailbox } from "./mailbox.ts";
import type { ClientInfo, FormerSession } from "./session.ts";
import type { SessionData } from "./session-data.ts";
import type { OutgoingPush, SessionHome } from "./session-home.ts";
import { type ContextValues, createContextValues } from "./values.ts";

/** What a session is made of, where it begins on a server. */
export interface SessionCoreOptions {
  /** In hex. */
  readonly id: string;
  readonly frontend: string;
  readonly incarnation: bigint;
  readonly client: ClientInfo;
  readonly user: string | undefined;
  readonly roles: readonly string[];
  readonly data: SessionData;
  readonly home: SessionHome;
  /** A listener threw. */
  readonly failed: (reason: unknown) => void;
}

/** What happens to a session. */
export interface SessionListener {
  bound?(user: string): void;
  patched?(patch: DataPatch): void;
  paused?(): void;
  resumed?(): void;
  closed?(reason: CloseReason): void | Promise<void>;
}

interface OwnWrite {
  readonly patch: DataPatch;
  settled: boolean;
}

const allHeard: Promise<void> = Promise.resolve();

/** A session as one server knows it. Users see it through a `SessionView` of their schema. */
export class SessionCore {
  readonly id: string;
  frontend: string;
  incarnation: bigint;
  readonly client: ClientInfo;
  readonly mailbox = new Mailbox();
  home: SessionHome;
  /** Where its pushes go: home, or where that hands them on to. A push to many then passes it by. */
  outlet: Pick<SessionHome, "push">;
  user: string | undefined;
  roles: readonly string[];

  readonly #failed: (reason: unknown) => void;
  #base: SessionData;
  #current: SessionData;
  // Made when they are needed: sessions are many, and most of them idle.
  #incoming: DataPatch[] | undefined;
  #own: OwnWrite[] | undefined;
  #values: ContextValues | undefined;
  #decoded: Map<string, Message> | undefined;
  #listeners: Set<SessionListener> | undefined;
  #paused = false;
  #moving = false;
  #ended: CloseReason | undefined;
  #finished = allHeard;

  constructor(options: SessionCoreOptions) {
    this.id = options.id;
    this.frontend = options.frontend;
    this.incarnation = options.incarnation;
    this.client = options.client;
    this.user = options.user;
    this.roles = options.roles;
    this.home = this.outlet = options.home;
    this.#failed = options.failed;
    this.#base = options.data;
    this.#current = options.data.copy();
  }

  get state(): "open" | "paused" | "moving" | "ended" {
    if (this.#ended) return "ended";
    if (this.#moving) return "moving";
    return this.#paused ? "paused" : "open";
  }

  /** Whether its client has no connection, also while it moves. */
  get paused(): boolean {
    return this.#paused;
  }

  /** What the application keeps with the session, on this server. */
  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
  }

  /** The data as the message of a schema; the same object until it changes. */
  data(schema: DescMessage): Message {
    this.#decoded ??= new Map();
    let message = this.#decoded.get(schema.typeName);
    if (!message) {
      message = decodeData(schema, this.#current.bytesOf(schema.typeName));
      this.#decoded.set(schema.typeName, message);
    }
    return message;
  }

  /** What other servers wrote becomes visible: called before a handler begins, which then sees this and what it writes itself. */
  refresh(): void {
    // A settled write came back as a change, in its place among the others: only there it still counts.
    const incoming = this.#incoming;
    if (!incoming && !this.#own?.some(({ settled }) => settled)) return;
    this.#incoming = undefined;
    for (const patch of incoming ?? []) this.#base.apply(patch);
    this.#rebase(({ settled }) => !settled);
  }

  /** A change as the frontend applied it, in its order. */
  applied(patch: DataPatch): void {
    this.#incoming ??= [];
    this.#incoming.push(patch);
    if (!this.mailbox.busy) this.refresh();
    for (const listener of this.#listeners ?? []) this.tell(() => listener.patched?.(patch));
  }

  async write(patch: DataPatch, expected: DataPatch | undefined): Promise<boolean> {
    this.#mustLive();
    if (expected) return this.home.write(patch, expected);
    const write: OwnWrite = { patch, settled: false };
    this.#own ??= [];
    this.#own.push(write);
    this.#current.apply(patch);
    this.#decoded?.delete(patch.type);
    try {
      return await this.home.write(patch, undefined);
    } catch (reason) {
      // It never happened.
      this.#rebase((one) => one !== write);
      throw reason;
    } finally {
      write.settled = true;
      if (!this.mailbox.busy) this.refresh();
    }
  }

  async bind(user: string, roles: readonly string[]): Promise<FormerSession> {
    this.#mustLive();
    if (user !== "" && this.user === user) return "none";
    if (user !== "" && this.user !== undefined) {
      throw new NanoError({ code: "failed_precondition", message: "the session is another user's already" });
    }
    const former = await this.home.bind(user, roles);
    this.userChanged(user === "" ? undefined : user, roles);
    return former;
  }

  /** All anew, as the frontend says after a link was broken. */
  reset(user: string | undefined, roles: readonly string[], data: SessionData): void {
    this.#base = data;
    this.#incoming = undefined;
    this.#rebase(({ settled }) => !settled);
    this.userChanged(user, roles);
  }

  /** The frontend bound or unbound the session. */
  userChanged(user: string | undefined, roles: readonly string[]): void {
    const changed = this.user !== user;
    this.user = user;
    this.roles = roles;
    if (changed && user !== undefined) for (const listener of this.#listeners ?? []) this.tell(() => listener.bound?.(user));
  }

  /** The client lost its connection, or is back. */
  setPaused(paused: boolean): void {
    if (this.#ended || this.#paused === paused) return;
    this.#paused = paused;
    for (const listener of this.#listeners ?? []) this.tell(() => (paused ? listener.paused?.() : listener.resumed?.()));
  }

  /** It begins to move to another frontend; or it has moved, or stays. Its client has no connection meanwhile. */
  setMoving(moving: boolean): void {
    this.#moving = moving;
  }

  push(push: OutgoingPush): void {
    if (!this.#ended) this.outlet.push(push);
  }

  async deliver(push: OutgoingPush): Promise<boolean> {
    return this.#ended ? false : this.home.deliver(push);
  }

  kick(kick: Kick): void {
    if (!this.#ended) this.home.kick(kick);
  }

  async changeGroup(...change: Parameters<SessionHome["changeGroup"]>): Promise<readonly string[]> {
    this.#mustLive();
    return this.home.changeGroup(...change);
  }

  listen(listener: SessionListener): () => void {
    if (this.#ended) {
      const reason = this.#ended;
      this.#finished = Promise.all([this.#finished, this.#hear(listener, reason)]).then(() => {});
      return () => {};
    }
    const listeners = this.#listeners ?? new Set<SessionListener>();
    this.#listeners = listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Calls a listener. What it throws, or rejects with where it is async against its type, goes no further. */
  tell(call: () => unknown): void {
    try {
      const promise = call();
      if (promise instanceof Promise) promise.catch(this.#failed);
    } catch (reason) {
      this.#failed(reason);
    }
  }

  get ended(): CloseReason | undefined {
    return this.#ended;
  }

  /** Ends the session on this server, once. Resolves when the close callbacks have finished; never rejects. */
  end(reason: CloseReason): Promise<void> {
    if (this.#ended) return this.#finished;
    this.#ended = reason;
    const heard = [...(this.#listeners ?? [])].map((listener) => this.#hear(listener, reason));
    this.#listeners = undefined;
    this.#finished = Promise.all(heard).then(() => {});
    return this.#finished;
  }

  /** Those own writes that still count over what the frontend has. */
  #rebase(counts: (write: OwnWrite) => boolean): void {
    this.#own = this.#own?.filter(counts);
    this.#current = this.#base.copy();
    for (const { patch } of this.#own ?? []) this.#current.apply(patch);
    this.#decoded = undefined;
  }

  #mustLive(): void {
    if (this.#ended) throw new NanoError({ code: "not_found", message: "the session has ended" });
  }

  async #hear(listener: SessionListener, reason: CloseReason): Promise<void> {
    try {
      await listener.closed?.(reason);
    } catch (failure) {
      this.#failed(failure);
    }
  }
}
