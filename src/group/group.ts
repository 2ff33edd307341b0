import type { Message } from "@bufbuild/protobuf";
import type { Init, Push } from "../contract/index.ts";
import type { Reach, Session, Target } from "../session/index.ts";

/** Who a group push leaves out. */
export interface GroupPushOptions {
  readonly except?: Session | readonly Session[];
}

/** How far `add` waits. */
export interface GroupAddOptions {
  /** Whether also every other server of the group's type must know of it: what any of them pushes from then on reaches the session. The default is false. */
  readonly everywhere?: boolean;
}

/** A session that has become a member. */
export interface GroupAdded {
  /** With `everywhere`, the ids of the servers that did not say within 2 s that they know of it: their pushes may pass it by for now. Else empty. */
  readonly missing: readonly string[];
}

/** One session of a group. */
export interface Member {
  /** The session's id. */
  readonly session: string;
  readonly user: string | undefined;
  /** The id of the frontend that holds it. */
  readonly frontend: string;
}

/** Sessions that hear the same. It is there as soon as it is named; a session leaves by ending. */
export interface Group extends Target {
  readonly name: string;
  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: GroupPushOptions): void;
  deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, options?: GroupPushOptions): Promise<Reach>;
  /** Resolves when the session is a member and this server's pushes reach it. Throws `not_found` for an ended session. */
  add(session: Session, options?: GroupAddOptions): Promise<GroupAdded>;
  /** Resolves when it is no member any more. */
  remove(session: Session): Promise<void>;
  /** All members leave. */
  close(): Promise<void>;
  has(session: Session): Promise<boolean>;
  count(): Promise<number>;
  members(): Promise<readonly Member[]>;
}

/** A group's name within the cluster: groups of two server types do not meet. */
export interface GroupKey {
  /** The server type it belongs to. */
  readonly type: string;
  readonly name: string;
}

/** A text that no other group has. */
export function groupKeyText(key: GroupKey): string {
  return `${key.type}\n${key.name}`;
}
