import { create } from "@bufbuild/protobuf";
import { MissedSchema, PushSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../../src/error/index.ts";
import { ask, type FrameBody, type Link } from "../../src/link/index.ts";

/** What came of a `deliver`. */
type Delivered = "reached" | "missed" | "waits" | (string & {});

/** One push, as its history tells it. */
interface Sent {
  readonly handle: number;
  readonly number: number;
  readonly delivery: string;
  delivered: Delivered | undefined;
}

/** Who pushes, and what it has heard of it. */
export class Pusher {
  readonly sent: Sent[] = [];
  /** What was refused when it was sent. */
  readonly refused: NanoError[] = [];

  /** Pushes with the next number. */
  push(
    link: Link,
    handle: number,
    options: { readonly bytes?: number; readonly delivery?: string; readonly deliverBy?: number } = {},
  ): void {
    const number = this.sent.length + 1;
    const { bytes = 0, delivery = "replay", deliverBy } = options;
    const sent: Sent = { handle, number, delivery, delivered: deliverBy === undefined ? undefined : "waits" };
    const send = (call: bigint): void => link.sendData(pushBody(handle, number, bytes, delivery, call));
    if (deliverBy === undefined) {
      try {
        send(0n);
      } catch (reason) {
        this.refused.push(NanoError.from(reason));
        return;
      }
    } else {
      ask(link, deliverBy, send).then(
        (outcome) => {
          const reached = outcome.case === "missed" && outcome.value.sessions.length === 0;
          sent.delivered = reached ? "reached" : "missed";
        },
        (reason: unknown) => {
          sent.delivered = NanoError.from(reason).code;
        },
      );
    }
    this.sent.push(sent);
  }
}

/** A frontend that takes pushes into its logs. */
export class Taker {
  readonly logs = new Map<number, number[]>();
  /** Sessions that have ended, by their handles. */
  readonly ended = new Set<number>();
  readonly gaps: number[] = [];

  readonly frame = (link: Link, body: FrameBody): void => {
    if (body.case === "gap") this.gaps.push(...body.value.handles);
    if (body.case !== "push" || body.value.target.case !== "handle") return;
    const handle = body.value.target.value;
    const missed = create(MissedSchema);
    if (this.ended.has(handle)) missed.sessions.push(Uint8Array.of(handle));
    else this.logs.set(handle, [...(this.logs.get(handle) ?? []), Number(body.value.route)]);
    link.answer(body.value.call, { case: "missed", value: missed });
  };

  /** All that came, of every session. */
  get taken(): number[] {
    return [...this.logs.values()].flat();
  }
}

/** A push whose route is its number. */
export function pushBody(handle: number, number: number, bytes = 0, delivery = "replay", call = 0n) {
  const target = { case: "handle", value: handle } as const;
  const value = create(PushSchema, { route: String(number), body: new Uint8Array(bytes), delivery, target, call });
  return { case: "push", value } as const;
}

/** Throws unless every log is in order, and has nothing twice. */
export function mustBeInOrder(taker: Taker): void {
  for (const [handle, log] of taker.logs) {
    log.forEach((number, at) => {
      if (at > 0 && number <= (log[at - 1] ?? 0)) throw new Error(`session ${handle}: ${number} after ${log[at - 1]}`);
    });
  }
}
