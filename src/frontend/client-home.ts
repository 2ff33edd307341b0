import { type Kick, NanoError } from "../error/index.ts";
import type { GroupKey } from "../group/index.ts";
import { type DataPatch, type FormerSession, type OutgoingPush, SessionData, type SessionHome } from "../session/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { SessionHost } from "./session-host.ts";
import { SessionUser } from "./session-user.ts";

/** What servers do to one session, where it is: their own handlers, and others by links. */
export class ClientHome implements SessionHome {
  readonly session: ClientSession;
  readonly #host: SessionHost;
  readonly #user: SessionUser;
  readonly #data = new SessionData();

  constructor(session: ClientSession, host: SessionHost) {
    this.session = session;
    this.#host = host;
    this.#user = new SessionUser(session, host);
  }

  /** Every message of the session's data. */
  get data(): Record<string, Uint8Array> {
    return this.#data.all();
  }

  /** Goes on with what another frontend has kept. */
  adopt(messages: { readonly [type: string]: Uint8Array }): void {
    for (const [type, fields] of Object.entries(messages)) this.#data.apply({ type, fields, cleared: [] });
    this.session.core.reset(undefined, [], this.#data.copy());
  }

  async bind(user: string, roles: readonly string[]): Promise<FormerSession> {
    this.#mustLive();
    return this.#user.bind(user, roles);
  }

  async write(patch: DataPatch, expected: DataPatch | undefined): Promise<boolean> {
    this.#mustLive();
    if (expected && !this.#data.matches(expected)) return false;
    const next = this.#data.copy();
    next.apply(patch);
    const { sessionDataBytes } = this.#host.limits;
    if (next.length > sessionDataBytes) {
      this.#host.counters.limits.sessionDataBytes++;
      throw new NanoError({ code: "resource_exhausted", message: `a session's data has at most ${sessionDataBytes} bytes` });
    }
    this.#data.apply(patch);
    this.session.version++;
    this.session.core.applied(patch);
    this.#host.peers.patched(this.session, patch);
    return true;
  }

  push(push: OutgoingPush): void {
    this.session.push(push);
  }

  async deliver(push: OutgoingPush): Promise<boolean> {
    if (this.session.isOver) return false;
    this.push(push);
    return !this.session.isOver;
  }

  kick(kick: Kick): void {
    this.session.kick(kick);
  }

  async changeGroup(group: GroupKey, change: "add" | "everywhere" | "remove"): Promise<readonly string[]> {
    this.#mustLive();
    const { core } = this.session;
    if (change === "remove") this.#host.membership.remove(group, core);
    else this.#host.membership.add(group, core);
    return change === "everywhere" ? this.#host.heardOf(group) : [];
  }

  #mustLive(): void {
    if (this.session.isOver) throw new NanoError({ code: "not_found", message: "the session has ended" });
  }
}
