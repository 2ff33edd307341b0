import type { Message } from "@bufbuild/protobuf";
import type { Code } from "../error/index.ts";
import type { Codec } from "./codec.ts";

/** Which server of the type answers: any, the one that answered the session before, or the one a request field leads to (its local name). */
export type RouteBy = "any" | "sticky" | { readonly key: string };

/** What a push may lose: nothing while its session lasts, all but the newest of a key, or anything. */
export type Delivery = "replay" | "latest" | "droppable";

/** What the schema says of a method: method over service over package, merged when the code is printed. Absent is the default. */
export interface MethodPolicy {
  /** Whose calls are admitted. The default is "bound": sessions that have a user. */
  readonly access?: "bound" | "public";
  /** Roles of which the session must have one. The default is none. */
  readonly roles?: readonly string[];
  /** How long the answer may take. The default is 5,000. */
  readonly timeoutMs?: number;
  /** How often one session may call. */
  readonly limit?: { readonly perSecond: number; readonly burst: number };
  /** How large a message may be. The default is the server's limit. */
  readonly maxBytes?: number;
  /** The default is "any". */
  readonly by?: RouteBy;
  /** With a key: its value has one home at a time, claimed and held. */
  readonly own?: boolean;
  /** Whether messages of one session wait for each other. The default is "serial". */
  readonly order?: "serial" | "concurrent";
  /** How many of one session run side by side; more wait for their turn. The default is 16. */
  readonly maxConcurrent?: number;
  /** Whether a second call does nothing more than the first. */
  readonly idempotent?: boolean;
  /** Whether the message's validation rules are checked at the edge. The default is: if it has any. */
  readonly validate?: boolean;
  /** The errors that the method answers with, by code. */
  readonly errors?: { readonly [C in Code]?: DeclaredErrorPolicy };
}

/** One error that a method declares. */
export interface DeclaredErrorPolicy {
  /** The message that details it. */
  readonly detail?: Codec<Message>;
  /** Whether trying again may help. The default follows from the code. */
  readonly retryable?: boolean;
}

/** The default of `timeoutMs`, everywhere. */
export const defaultTimeoutMs = 5_000;
