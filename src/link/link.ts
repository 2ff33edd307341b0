import type { Answer, Frame } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { NanoError } from "../error/index.ts";

/** The version of the protocol between servers. */
export const protocolVersion = 1;

/** A frame's content: `{ case: "forward", value }` and so on. */
export type FrameBody = Exclude<Frame["body"], { readonly case: undefined }>;

/** What an answer says, where it is no error. */
export type Outcome = Exclude<Answer["outcome"], { readonly case: undefined }>;

/** Who is at the other end. */
export interface Peer {
  readonly id: string;
  readonly incarnation: bigint;
  readonly types: readonly string[];
  readonly frontend: boolean;
  /** The hash of its schema. */
  readonly schema: string;
}

/** One long-lived stream to another server. */
export interface Link {
  readonly peer: Peer;
  /** Whether this side opened it. */
  readonly dialed: boolean;
  readonly closed: boolean;
  /** How busy the peer says it is. */
  readonly load: number;
  readonly counters: LinkCounters;
  /** Sends a frame outside the byte bound: control, and what answers. On a closed link nothing happens. */
  send(body: FrameBody): void;
  /** Sends a forward, call or push. Throws NanoError `resource_exhausted` when too much waits, `unavailable` on a closed link. */
  sendData(body: FrameBody): void;
  /**
   * Announces an answer, and gives the number that the frame must carry. `settle` is called once: with the outcome, or with a NanoError:
   * what the peer answered, `deadline_exceeded`, `unavailable` when the link breaks, or what it was cancelled with.
   *
   * @param deadlineMs On the clock of the link.
   */
  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint;
  /** Gives up waiting, and tells the peer. */
  cancel(call: bigint, reason: NanoError): void;
  /** Gives up waiting for what was never sent: the peer knows nothing of it. */
  forget(call: bigint, reason: NanoError): void;
  answer(call: bigint, outcome: Outcome): void;
  /** Says goodbye, sends what waits, and ends. */
  close(reason: string): void;
}

/** What happens on links. */
export interface LinkEvents {
  opened(link: Link): void;
  /** Every frame that the link does not answer itself. */
  frame(link: Link, body: FrameBody): void;
  closed(link: Link, error: NanoError): void;
}

/** What a link has seen. Read when asked for; never reset. */
export interface LinkCounters {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Data frames that were refused since too much waited. */
  refused: number;
  /** Answers that nobody waited for any more. */
  late: number;
  pings: number;
}
