import type { DescMessage } from "@bufbuild/protobuf";
import type { Delivery } from "../contract/index.ts";
import type { NanoError } from "../error/index.ts";

/** What a client gets as Data, before anything is framed: whoever writes applies encoding, codes and compression. */
export interface LogEntry {
  readonly kind: "answer" | "failure" | "push";
  /** The request's id; 0 for a push. */
  readonly id: number;
  /** The push's route; of an answer the request's. */
  readonly route: string;
  /** Protobuf. Shared between sessions: never changed. */
  readonly body: Uint8Array;
  /** Of an answer whose route is in no schema: what it is. */
  readonly schema?: DescMessage;
  /** Of a failure. */
  readonly error: NanoError | undefined;
  readonly delivery: Delivery;
  /** With `latest`: what the newest replaces. */
  readonly key: string;
}
