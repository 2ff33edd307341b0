import type { Server } from "./server.ts";

/** What may be started and stopped with a server. */
export interface Lifecycle {
  /** Before anything is served. A failure stops the start. */
  init?(server: Server): void | Promise<void>;
  /** After everything had its `init`, before the first call. */
  afterInit?(server: Server): void | Promise<void>;
  /** While calls are still answered; new sessions no longer come. */
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
  beforeShutdown?(value: T, server: Server): void | Promise<void>;
  shutdown?(value: T, server: Server): void | Promise<void>;
}
