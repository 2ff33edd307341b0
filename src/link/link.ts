import type { Answer, Frame } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { NanoError } from "../error/index.ts";
import type { Order } from "./order.ts";

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

/** What one server keeps with another. The stream that carries it may break, and another take its place within 5 s. */
export interface Link {
  readonly peer: Peer;
  /** Whether this side opened its stream, or the last one. */
  readonly dialed: boolean;
  /** Whether its stream broke, and no other is there yet: only pushes and kicks are taken, and wait for it. A link that ends so stays broken. */
  readonly broken: boolean;
  /** Whether it is over. */
  readonly closed: boolean;
  /** Whether sessions or groups live on it, or did when it ended. */
  readonly carries: boolean;
  /** How busy the peer says it is. */
  readonly load: number;
  readonly counters: LinkCounters;
  /** Sends a frame outside of credit. Without a stream nothing happens, but what was to be answered is `unavailable`, and a kick waits. */
  send(body: FrameBody): void;
  /**
   * Sends a forward, call or push. Throws NanoError `resource_exhausted` when too much is under way, `unavailable` on a closed link.
   * Without credit or a stream forwards and calls are refused; pushes wait, as their delivery says: of `latest` the newest, no `droppable`.
   */
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
  /** @param order What the answer must not overtake. */
  answer(call: bigint, outcome: Outcome, order?: Order): void;
  /** Says goodbye, sends what waits, and ends. */
  close(reason: string): void;
}

/** What happens on links. */
export interface LinkEvents {
  /** It has a stream: its first, or another after one that broke. Of control frames those that were sent meanwhile are lost. */
  opened(link: Link): void;
  /** Every frame that the link does not answer itself. */
  frame(link: Link, body: FrameBody): void;
  /** Its stream broke: within 5 s it is opened again, or closed. */
  broken(link: Link, error: NanoError): void;
  closed(link: Link, error: NanoError): void;
}

/** What a link has seen. Read when asked for; never reset. */
export interface LinkCounters {
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Data frames that were refused: too much was under way, or waited, or they were too large. */
  refused: number;
  /** Pushes of `droppable` that found no room. */
  dropped: number;
  /** Pushes that were sent once more on another stream. */
  resent: number;
  /** Data frames that came once more, and were not handled again. */
  repeats: number;
  /** Pushes that were taken and may not have arrived: the link stayed broken. */
  lost: number;
  /** Answers that nobody waited for any more. */
  late: number;
  pings: number;
}

/** All at zero. */
export function createLinkCounters(): LinkCounters {
  return {
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    refused: 0,
    dropped: 0,
    resent: 0,
    repeats: 0,
    lost: 0,
    late: 0,
    pings: 0,
  };
}
