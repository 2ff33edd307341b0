import { NanoError } from "../error/index.ts";
import type { FormerSession } from "../session/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { SessionHost } from "./session-host.ts";

/** Whose a session is: one user's from its bind until its logout. */
export class SessionUser {
  readonly #session: ClientSession;
  readonly #host: Pick<SessionHost, "users" | "membership" | "peers">;
  #binding: { readonly user: string; readonly former: Promise<FormerSession> } | undefined;

  constructor(session: ClientSession, host: Pick<SessionHost, "users" | "membership" | "peers">) {
    this.#session = session;
    this.#host = host;
  }

  /** The empty user is a logout. Resolves when the user's former session has ended. */
  async bind(user: string, roles: readonly string[]): Promise<FormerSession> {
    const before = this.#session.core.user ?? this.#binding?.user;
    if (user === "") return this.#unbind();
    if (before !== undefined && before !== user) {
      throw new NanoError({ code: "failed_precondition", message: "the session is another user's already" });
    }
    if (before === user) return this.#binding?.former ?? "none";
    const former = this.#host.users.bind(user, this.#session, () => this.#changed(user, roles));
    const binding = { user, former };
    this.#binding = binding;
    try {
      return await former;
    } finally {
      if (this.#binding === binding) this.#binding = undefined;
    }
  }

  #unbind(): FormerSession {
    const { core } = this.#session;
    if (core.user !== undefined) {
      this.#host.users.release(core.user, this.#session);
      this.#binding = undefined;
    }
    this.#host.membership.leaveAll(core);
    this.#changed(undefined, []);
    return "none";
  }

  #changed(user: string | undefined, roles: readonly string[]): void {
    this.#session.core.userChanged(user, roles);
    this.#session.version++;
    this.#host.peers.userChanged(this.#session);
  }
}
