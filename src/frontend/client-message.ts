import type { TraceCarrier } from "../tracing/index.ts";

/**
 * One message of a client, as it came. Its body stands in what was read, which is only true until the read is worked off: who wants to have it
 * for longer asks for `body`, or calls `keep`.
 */
export class ClientMessage {
  readonly kind: "request" | "notify";
  readonly id: number;
  readonly route: string;
  /** When it was read, on the frontend's clock. */
  readonly atMs: number;
  /** The place in a trace that the client says it has. */
  readonly trace: TraceCarrier | undefined;
  /** Where its body stands, in the connection's encoding. */
  bytes: Uint8Array;
  from: number;
  to: number;
  /** Whether it is answered, or refused: nobody asks for its body any more. */
  over = false;

  constructor(
    kind: "request" | "notify",
    id: number,
    route: string,
    atMs: number,
    bytes: Uint8Array,
    from: number,
    to: number,
    trace: TraceCarrier | undefined,
  ) {
    this.kind = kind;
    this.id = id;
    this.route = route;
    this.atMs = atMs;
    this.bytes = bytes;
    this.from = from;
    this.to = to;
    this.trace = trace;
  }

  /** Its body, a copy of its own. */
  get body(): Uint8Array {
    this.keep();
    return this.bytes;
  }

  /** Makes the body a copy of its own, if it is none yet: what stands alone is one. */
  keep(): void {
    if (this.from === 0 && this.to === this.bytes.length) return;
    this.bytes = this.bytes.slice(this.from, this.to);
    this.from = 0;
    this.to = this.bytes.length;
  }
}
