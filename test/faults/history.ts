/** How a request finds its server. */
export type Kind = "any" | "keyed" | "owned" | "stuck";

/** A request, as its client saw it. Times are of the machine's monotonic clock, which all processes share. */
export interface Asked {
  readonly id: string;
  readonly client: string;
  /** Counts the requests of the client, from 0. */
  readonly number: number;
  /** Counts the sessions of the client, from 0: the one that it had when it asked. */
  readonly session: number;
  readonly kind: Kind;
  readonly key: string;
  readonly sentMs: number;
  /** Unset: it never ended. */
  endedMs?: number;
  /** "ok", or the code of the failure. */
  outcome?: string;
  message?: string;
  /** The client knows that it was never sent. */
  unsent?: boolean;
  /** Who says that it answered. */
  server?: string;
}

/** A request, as a server wrote it down when its handler began. */
export interface Handled {
  readonly id: string;
  readonly kind: Kind;
  readonly key: string;
  /** One life of one server. */
  readonly server: string;
  readonly atMs: number;
  /** By how much its wall clock was not the one that it began with. */
  readonly skewMs: number;
}

/** A server gave an owned key up, or lost it. */
export interface Released {
  readonly key: string;
  readonly server: string;
  readonly atMs: number;
}

/** A push that a client got. */
export interface Heard {
  readonly client: string;
  /** Counts the sessions of the client, from 0. */
  readonly session: number;
  /** "note", or the server that ticks. */
  readonly stream: string;
  /** The request that is noted, or the tick's number. */
  readonly what: string | number;
  readonly atMs: number;
}

/** All that was seen of one run. */
export interface History {
  readonly asked: readonly Asked[];
  readonly handled: readonly Handled[];
  readonly released: readonly Released[];
  readonly heard: readonly Heard[];
}

/** Milliseconds of the machine's monotonic clock. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
