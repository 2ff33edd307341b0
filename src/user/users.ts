import type { Message } from "@bufbuild/protobuf";
import type { Init, Push } from "../contract/index.ts";
import type { Kick } from "../error/index.ts";
import type { Reach } from "../session/index.ts";

/** Users, wherever they are connected. */
export interface Users {
  /** Ordered and bounded; users that are away miss it. */
  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach>;
  /** Resolves when the frontends have it in their logs, with the users that are away. */
  deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach>;
  kick(kick: Kick): Promise<Reach>;
  /** The frontend of each user that is connected. */
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
