import { create } from "@bufbuild/protobuf";
import { type RelayBytes, RelayBytesSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Link } from "../link/index.ts";

/** What came for one end of a relay. */
export type RelayPart = Pick<RelayBytes, "bytes" | "over" | "cut">;

/** One end of a relay. */
export interface RelayEnd {
  take(part: RelayPart): void;
  /** The other side has handed on what was sent. */
  drained?(): void;
  /** The other side is out of reach, and what was on its way lost. */
  broken(): void;
}

/** What all relays of a link have under way from this side. */
export interface RelayedBytes {
  bytes: number;
}

/** Which end of which relay. */
export interface RelayName {
  readonly relay: bigint;
  /** Whether it has the client's socket. */
  readonly client: boolean;
}

// Smaller than what a link cuts in pieces: the order of what comes is the order in which it was sent.
const pieceBytes = 32 * 1_024;
// A link whose peer reads nothing is given up when four times as much waits; relays must not bring it there.
const mostBytes = 4 * 1_024 * 1_024;

/** What one end of a relay says to the other, and how much of it is under way. */
export class RelayWindow {
  readonly #link: Link;
  readonly #name: RelayName;
  readonly #all: RelayedBytes;
  readonly #closed: () => void;
  #sent = 0;
  #taken = 0;
  #received = 0;
  #told = 0;
  #over = false;

  /** @param closed Called once, when nothing more is said from here. */
  constructor(link: Link, name: RelayName, all: RelayedBytes, closed: () => void) {
    this.#link = link;
    this.#name = name;
    this.#all = all;
    this.#closed = closed;
  }

  /** Bytes that were sent and have not gone on at the other side. */
  get queuedBytes(): number {
    return this.#sent - this.#taken;
  }

  /** False where too much is under way: the relay has to end. */
  send(bytes: Uint8Array): boolean {
    if (this.#over) return true;
    if (this.#all.bytes + bytes.length > mostBytes) return false;
    this.#sent += bytes.length;
    this.#all.bytes += bytes.length;
    for (let at = 0; at < bytes.length; at += pieceBytes) this.#say({ bytes: bytes.subarray(at, at + pieceBytes) });
    return true;
  }

  /** Something came: counts it. */
  came({ bytes, taken }: RelayBytes): void {
    this.#received += bytes.length;
    const more = Number(taken) - this.#taken;
    if (more <= 0 || more > this.queuedBytes) return;
    this.#taken += more;
    this.#all.bytes -= more;
  }

  /** All that came has gone on. */
  tell(): void {
    if (this.#over || this.#told === this.#received) return;
    this.#told = this.#received;
    this.#say({ taken: BigInt(this.#received) });
  }

  /** Says that no more comes, once. */
  over(cut: boolean): void {
    if (this.#over) return;
    this.#say({ over: true, cut });
    this.#over = true;
    this.#all.bytes -= this.queuedBytes;
    this.#closed();
  }

  #say(part: Partial<Pick<RelayBytes, "bytes" | "taken" | "over" | "cut">>): void {
    this.#link.send({ case: "relayBytes", value: create(RelayBytesSchema, { ...this.#name, ...part }) });
  }
}
