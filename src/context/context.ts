import type { Message } from "@bufbuild/protobuf";
import type { ServerInfo } from "../discovery/index.ts";
import type { Logger } from "../logger/index.ts";
import type { BoundSession, ContextValues, Session } from "../session/index.ts";
import type { Cluster } from "./cluster.ts";

/** One call. Remote calls made through it share its deadline, its cancellation and its trace. */
export interface CallContext extends Cluster {
  readonly route: string;
  /** Aborts when the session ended, the caller gave up, or time is up. */
  readonly signal: AbortSignal;
  /** When the answer must be there, on the server's clock (`clock.now()`). */
  readonly deadlineMs: number;
  /** Counts the tries of this call, from 0. */
  readonly attempt: number;
  readonly log: Logger;
  readonly values: ContextValues;
}

/** A call by a client that has a user. */
export interface HandlerContext<D extends Message = Message> extends CallContext {
  readonly session: BoundSession<D>;
}

/** A call by any client: it may have no user yet. */
export interface PublicContext<D extends Message = Message> extends CallContext {
  readonly session: Session<D>;
}

/** The server that calls. Of a plain Connect call only what the caller says is known. */
export type Caller = Pick<ServerInfo, "id" | "types">;

/** A call by another server. */
export interface RemoteContext extends CallContext {
  readonly caller: Caller;
}
