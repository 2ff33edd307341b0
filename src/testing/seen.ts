import type { Delivery } from "../contract/index.ts";
import type { CloseReason, Code } from "../error/index.ts";

/** Something that was seen of a cluster and its clients. Times are of the cluster's clock. */
export type Seen = SeenAsked | SeenSettled | SeenTold | SeenHeard | SeenState | SeenRun | SeenSession | SeenCrash | SeenFault;

/** A client asked. */
export interface SeenAsked {
  readonly what: "asked";
  readonly atMs: number;
  readonly client: string;
  /** Counts what all clients asked and told, from 1. */
  readonly call: number;
  readonly route: string;
  /** The message in JSON. */
  readonly text: string;
  readonly idempotent: boolean;
  readonly timeoutMs: number;
}

/** What a client asked has come to an end. */
export interface SeenSettled {
  readonly what: "settled";
  readonly atMs: number;
  readonly client: string;
  readonly call: number;
  readonly outcome: "ok" | Code;
  /** False where the client knows that it never left. */
  readonly sent: boolean;
  /** Of a failure. */
  readonly message: string;
}

/** A client sent a notify. */
export interface SeenTold {
  readonly what: "told";
  readonly atMs: number;
  readonly client: string;
  readonly call: number;
  readonly route: string;
  readonly text: string;
}

/** A client got a push. */
export interface SeenHeard {
  readonly what: "heard";
  readonly atMs: number;
  readonly client: string;
  /** The client's session when it came. */
  readonly session: string;
  readonly route: string;
  readonly text: string;
  /** Where it stands among others, if its route is one of those that are numbered. */
  readonly place: { readonly stream: string; readonly number: number; readonly delivery: Delivery } | undefined;
}

/** How a client stands with its server has changed. */
export interface SeenState {
  readonly what: "state";
  readonly atMs: number;
  readonly client: string;
  readonly before: "idle" | "connecting" | "open" | "waiting" | "closed";
  readonly state: "idle" | "connecting" | "open" | "waiting" | "closed";
  /** Where it is open. */
  readonly via: "first" | "resume" | "reset" | "moved" | undefined;
  /** Where it is open. */
  readonly session: string | undefined;
  /** Where it waits or is closed: why. */
  readonly why: string;
}

/** A handler began. */
export interface SeenRun {
  readonly what: "ran";
  readonly atMs: number;
  readonly server: string;
  /** Counts the starts of the server, from 1. */
  readonly life: number;
  readonly session: string;
  readonly route: string;
  readonly text: string;
  /** Whether messages of one session wait for each other. */
  readonly serial: boolean;
  readonly idempotent: boolean;
  readonly attempt: number;
}

/** A server heard of a session. */
export interface SeenSession {
  readonly what: "session";
  readonly atMs: number;
  readonly server: string;
  readonly life: number;
  readonly session: string;
  readonly event: "opened" | "bound" | "patched" | "paused" | "resumed" | "closed";
  /** Where it is closed. */
  readonly reason: CloseReason["kind"] | undefined;
}

/** A server was killed. */
export interface SeenCrash {
  readonly what: "crashed";
  readonly atMs: number;
  readonly server: string;
  readonly life: number;
}

/** The test made another fault, or mended one. */
export interface SeenFault {
  readonly what: "fault";
  readonly atMs: number;
  readonly text: string;
}

/** One line for a person. */
export function lineOf(seen: Seen): string {
  const at = `${seen.atMs.toFixed(0).padStart(7)} ms`;
  switch (seen.what) {
    case "asked":
      return `${at}  ${seen.client} asks #${seen.call} ${seen.route} ${seen.text}`;
    case "settled":
      return `${at}  ${seen.client} #${seen.call}: ${seen.outcome}${seen.sent ? "" : " (never sent)"} ${seen.message}`.trimEnd();
    case "told":
      return `${at}  ${seen.client} tells #${seen.call} ${seen.route} ${seen.text}`;
    case "heard":
      return `${at}  ${seen.client} hears ${seen.route} ${seen.text}`;
    case "state":
      return `${at}  ${seen.client} is ${seen.state} ${[seen.via, seen.session, seen.why].filter(Boolean).join(" ")}`.trimEnd();
    case "ran":
      return `${at}  ${placeOf(seen)} runs ${seen.route} ${seen.text} of ${seen.session}${seen.attempt > 0 ? `, try ${seen.attempt + 1}` : ""}`;
    case "session":
      return `${at}  ${placeOf(seen)}: ${seen.session} ${seen.event} ${seen.reason ?? ""}`.trimEnd();
    case "crashed":
      return `${at}  ** ${placeOf(seen)} crashes`;
    case "fault":
      return `${at}  ** ${seen.text}`;
  }
}

/** One life of one server. */
export function placeOf({ server, life }: { readonly server: string; readonly life: number }): string {
  return life === 1 ? server : `${server} (start ${life})`;
}
