import type { Server } from "./server.ts";

/** How long a drain may take. */
export interface DrainTime {
  /** Milliseconds until the server goes on without. */
  readonly leftMs: number;
  /** Aborts when they are over, which may be sooner than they were: `stop({ graceMs })` shortens a drain. */
  readonly signal: AbortSignal;
}

/** What may be started and stopped with a server. */
export interface Lifecycle {
  /** Before anything is served. A failure stops the start. */
  init?(server: Server): void | Promise<void>;
  /** After everything had its `init`, before the first call. */
  afterInit?(server: Server): void | Promise<void>;
  /**
   * The server takes no new work, and still serves the sessions that are stuck to it: the time to end matches and to save rooms. All of a server
   * run at once; the drain goes on when they have resolved, failed (which is logged), or their time is over. Sessions stuck to a service that
   * has this hook are let go then; those of a service without one are served until the drain's deadline.
   */
  onDrain?(server: Server, time: DrainTime): void | Promise<void>;
  /**
   * An owned key of the service's server type leaves this server, and not because it was released: what is kept for it must go. `drain`: no call of
   * the key runs, and none comes, until this has resolved; save what is kept, the next server waits for it. `lost`: another server may have the key
   * already. A failure is logged.
   */
  onRelease?(key: string, why: "drain" | "lost"): void | Promise<void>;
  /** Everything was answered, and clients are gone; other servers can still be called. */
  beforeShutdown?(server: Server): void | Promise<void>;
  /** After the last call. */
  shutdown?(server: Server): void | Promise<void>;
}

/** The typed name of a module. */
export interface ModuleKey<T> {
  readonly name: string;
  readonly "~module"?: T;
}

/** Makes the typed name of a module. Two keys of one name are two keys. */
export function moduleKey<T>(name: string): ModuleKey<T> {
  return { name };
}

/** A part of a server: started in order, stopped in reverse. `init` gives what others find by the key. */
export interface Module<T = unknown> {
  readonly key: ModuleKey<T>;
  /** How long each step may take. The default is 10,000. */
  readonly timeoutMs?: number;
  init(server: Server): T | Promise<T>;
  afterInit?(value: T, server: Server): void | Promise<void>;
  /** As that of a service, but that no session is stuck to a module. It has the time of the drain, not `timeoutMs`. */
  onDrain?(value: T, server: Server, time: DrainTime): void | Promise<void>;
  beforeShutdown?(value: T, server: Server): void | Promise<void>;
  shutdown?(value: T, server: Server): void | Promise<void>;
}
