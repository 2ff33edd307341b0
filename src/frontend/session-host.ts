import type { Random } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";
import type { GroupKey, Membership } from "../group/index.ts";
import type { LogBudget, LogLimits } from "../session/index.ts";
import type { UserTable } from "../user/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Connection } from "./connection.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import type { Farewells } from "./farewells.ts";
import type { ResolvedLimits } from "./limits.ts";
import type { PausedSessions } from "./paused-sessions.ts";
import type { Rate } from "./rate.ts";
import type { SessionPeers } from "./session-peers.ts";
import type { SharedPushes } from "./shared-pushes.ts";

/** What a session asks of its frontend. */
export interface SessionHost extends DispatchHost {
  readonly id: string;
  readonly incarnation: bigint;
  readonly limits: ResolvedLimits;
  readonly logLimits: LogLimits;
  readonly messageRate: Rate;
  readonly byteRate: Rate;
  readonly users: UserTable<ClientSession>;
  readonly membership: Membership;
  /** Waits until the cluster knows that a group has members here; gives the ids of the servers that do not in time. */
  heardOf(group: GroupKey): Promise<readonly string[]>;
  readonly peers: SessionPeers;
  /** The handshake is done. */
  opened(session: ClientSession): void;
  ended(session: ClientSession, reason: CloseReason): void;
  flushSoon(connection: Connection): void;
  listenerFailed(reason: unknown): void;
  /** Whether another frontend can take sessions over from this one. */
  canMove(): boolean;
  readonly sharedPushes: SharedPushes;
  readonly paused: PausedSessions<ClientSession>;
  readonly farewells: Farewells;
  readonly budget: LogBudget;
  readonly random: Random;
}
