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

/** Who a push to a group of users leaves out. */
export interface UserGroupPushOptions {
  readonly except?: string | readonly string[];
}

/**
 * Users that hear the same, connected or not, whatever becomes of their sessions and servers, until the group's time is over. It is one group for
 * all servers. Where discovery is out of reach everything here rejects with `unavailable` or `deadline_exceeded`.
 */
export interface UserGroup {
  readonly name: string;
  /** True when it was not there. `add` does it too. */
  create(): Promise<boolean>;
  /** Resolves when they are members. Creates the group; does not begin its time again. */
  add(...users: readonly string[]): Promise<void>;
  remove(...users: readonly string[]): Promise<void>;
  has(user: string): Promise<boolean>;
  count(): Promise<number>;
  /** All of them, ordered by the bytes of their names. */
  members(): Promise<readonly string[]>;
  /** Begins the time again: so long, or as long as the group was asked for with. Throws `not_found` where there is no such group any more. */
  renew(ttlMs?: number): Promise<void>;
  /** Nobody is a member any more. */
  delete(): Promise<void>;
  /** One frame for each frontend; members that are not connected are `missed`. */
  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: UserGroupPushOptions): Promise<Reach>;
  /** The same. */
  deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: UserGroupPushOptions): Promise<Reach>;
}
