import type { SessionKey } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { DrainTime } from "../context/index.ts";
import type { Membership } from "../group/index.ts";
import type { FrameBody, Link, Outcome } from "../link/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import type { SessionCore } from "../session/index.ts";
import type { UserTable } from "../user/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { ConnectionCount } from "./connection-counts.ts";

/** The half of a server that holds clients. */
export interface Frontend {
  readonly counters: FrontendCounters;
  readonly connections: number;
  /** Those that are there, by the acceptors that they came in by, and by whether their handshake is done. */
  connectionStates(): Iterable<ConnectionCount>;
  readonly sessions: number;
  /** Those of them whose clients have no connection, and may come back. */
  readonly paused: number;
  /** Messages of clients that wait for an answer. */
  readonly pending: number;
  readonly membership: Membership;
  readonly users: UserTable<ClientSession>;
  /** Starts the acceptors, and gives their addresses by name. One that cannot listen stops those before, and throws. */
  start(): Promise<Record<string, string>>;
  /** Takes no more clients. */
  pause(): void;
  frame(link: Link, body: FrameBody): boolean;
  /** Does what a server without a link asks. Rejects with what there is to be told of a failure. */
  ask(body: FrameBody): Promise<Outcome>;
  /** The session that somebody has named. Throws `permission_denied` without the right to it, `not_found` when it is over. */
  find(key: SessionKey): SessionCore;
  /** Ends the session that somebody has named, without a word to its client. Throws as `find`. */
  close(key: SessionKey): void;
  linkOpened(link: Link): void;
  linkBroken(link: Link): void;
  linkClosed(link: Link): void;
  /** The list of servers changed: links to new ones may be due. */
  serversChanged(): void;
  /** How much of the time that is left the sessions take to go. */
  moveMs(leftMs: number): number;
  /** Ends every session with the kick code `moved`, in batches, each when its messages are answered. Resolves when all have ended everywhere. */
  move(time: DrainTime): Promise<void>;
  /** The cluster forgets what users were here. */
  leave(): Promise<void>;
  stop(): Promise<void>;
}
