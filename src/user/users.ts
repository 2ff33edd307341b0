import type { Message } from "@bufbuild/protobuf";
import type { Init, Push } from "../contract/index.ts";
import type { Kick } from "../error/index.ts";
import type { Reach } from "../session/index.ts";

/**
 * Users, wherever they are connected. Whoever is not, or is out of reach within 5 s, is `missed`: of these promises none rejects but that of
 * a call that is over (`canceled`).
 */
export interface Users {
  /** One frame for each frontend. Pushes of one server to one user arrive in their order. Need not be waited for. */
  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach>;
  /** The same: also a push tells when the frontends have it in their logs, and who has missed it. */
  deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach>;
  /** Sends what was pushed before, tells the clients why, and ends their sessions. */
  kick(kick: Kick): Promise<Reach>;
  /** The id of the frontend of each user that is connected. */
  locate(): Promise<ReadonlyMap<string, string>>;
}

/** Users that hear the same, connected or not, until its time is over. */
export interface UserGroup {
  readonly name: string;
  push<M extends Message>(
    push: Push<M>,
    message: NoInfer<Init<M>>,
    options?: { readonly except?: string | readonly string[] },
  ): Promise<Reach>;
  deliver<M extends Message>(
    push: Push<M>,
    message: NoInfer<Init<M>>,
    options?: { readonly except?: string | readonly string[] },
  ): Promise<Reach>;
  add(...users: readonly string[]): Promise<void>;
  remove(...users: readonly string[]): Promise<void>;
  has(user: string): Promise<boolean>;
  count(): Promise<number>;
  members(): Promise<readonly string[]>;
  /** Starts the time to live again. */
  renew(ttlMs?: number): Promise<void>;
  delete(): Promise<void>;
}
