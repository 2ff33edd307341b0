import type { Delivery } from "../contract/index.ts";
import type { Kick } from "../error/index.ts";
import type { DataPatch } from "./data-patch.ts";
import type { FormerSession } from "./session.ts";

/** Where the truth about a session is: the frontend itself, or a link to it. */
export interface SessionHome {
  /** An empty user is logout. */
  bind(user: string, roles: readonly string[]): Promise<FormerSession>;
  /** False when the expected fields are not so. */
  write(patch: DataPatch, expected: DataPatch | undefined): Promise<boolean>;
  push(push: OutgoingPush): void;
  /** Resolves with whether the push is in the session's log. */
  deliver(push: OutgoingPush): Promise<boolean>;
  kick(kick: Kick): void;
  /**
   * Enters or leaves a group of a server type. Throws `not_found` when the session has ended. "everywhere" is to add, and to wait until every server
   * of the type knows of it; gives the ids of those that do not in time.
   */
  changeGroup(
    group: { readonly type: string; readonly name: string },
    change: "add" | "everywhere" | "remove",
  ): Promise<readonly string[]>;
}

/** A push on its way, its body in protobuf. */
export interface OutgoingPush {
  readonly route: string;
  readonly body: Uint8Array;
  readonly delivery: Delivery;
  /** Of a push to a group: which of whose. */
  readonly of?: GroupPushNumber;
  /** Where it stands in a trace that is sampled. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** The pushes to groups that one server has made are counted. */
export interface GroupPushNumber {
  readonly incarnation: bigint;
  readonly number: bigint;
}
