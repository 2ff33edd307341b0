import type { DeadlineSweep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { createLinkCounters, type Outcome, type Peer, PendingCalls } from "../link/index.ts";
import type { Http2Caller } from "../net/index.ts";
import { readGrpc, toGrpc } from "./grpc.ts";

/** A call as it is sent. */
export interface PlainCall {
  readonly call: number;
  readonly path: string;
  readonly body: Uint8Array;
  /** Asked when it is sent. What it throws is what the call fails with. */
  readonly headers: () => Record<string, string>;
  /** Whatever became of it. */
  readonly over?: () => void;
}

const maxAnswerBytes = 1_048_576;
// As much as a link takes: whoever is slow must not fill this server with what waits for it.
const windowBytes = 4 * 1_024 * 1_024;

/** The calls to a server that is called plainly: from when they are expected to be answered until they are over. */
export class PlainCalls {
  readonly counters = createLinkCounters();
  /** The connection to it; undefined: there was none yet. */
  caller: Http2Caller | undefined;

  readonly #peer: Peer;
  readonly #calls: PendingCalls;
  readonly #running = new Map<number, () => void>();
  // What calls carry until they are over, those included that wait for their turn.
  readonly #costs = new Map<number, number>();
  #underway = 0;

  constructor(peer: Peer, deadlines: DeadlineSweep) {
    this.#peer = peer;
    this.#calls = new PendingCalls(deadlines, (call) => this.#breakOff(call));
  }

  /** How many the server works on. */
  get running(): number {
    return this.#running.size;
  }

  /** Gives the number of a call whose answer, or failure, somebody waits for. */
  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): number {
    const call: number = this.#calls.add(deadlineMs, (outcome) => {
      this.#underway -= this.#costs.get(call) ?? 0;
      this.#costs.delete(call);
      settle(outcome);
    });
    return call;
  }

  /** Counts what a call carries. Throws NanoError `resource_exhausted` where too much is under way. */
  spend(call: number, bytes: number): void {
    if (this.#underway + bytes > windowBytes) {
      this.counters.refused++;
      throw new NanoError({ code: "resource_exhausted", message: `the link to ${this.#peer.id} is full` });
    }
    this.#underway += bytes;
    this.#costs.set(call, bytes);
  }

  /** Sends one, or settles it with why it cannot be. False where it was not sent: also where nobody waits for it any more. */
  send({ call, path, body, headers, over = () => {} }: PlainCall): boolean {
    if (!this.#calls.has(call)) return false;
    const ended = (outcome: Outcome | NanoError): void => {
      this.#running.delete(call);
      this.settle(call, outcome);
      over();
    };
    try {
      if (!this.caller?.open) throw this.#gone();
      const bytes = toGrpc(body);
      const breakOff = this.caller.call({
        path,
        headers: headers(),
        body: bytes,
        maxBytes: maxAnswerBytes,
        answered(answer) {
          const read = readGrpc(answer);
          ended(read instanceof NanoError ? read : { case: "body", value: read });
        },
        failed: (error) => ended(this.#gone(error)),
      });
      this.counters.framesOut++;
      this.counters.bytesOut += bytes.length;
      this.#running.set(call, () => {
        this.#running.delete(call);
        breakOff();
        over();
      });
      return true;
    } catch (reason) {
      this.settle(call, NanoError.from(reason));
      return false;
    }
  }

  /** Says how a call ended; false where nobody waits for it any more. */
  settle(call: number, outcome: Outcome | NanoError): boolean {
    return this.#calls.settle(call, outcome);
  }

  /** Nobody waits for a call any more, and the server need not go on with it. */
  cancel(call: number, reason: NanoError): void {
    if (this.#calls.settle(call, reason)) this.#breakOff(call);
  }

  /** There is no server any more. */
  close(reason: NanoError): void {
    this.caller?.destroy();
    this.#calls.fail(reason, true);
  }

  #breakOff(call: number): void {
    this.#running.get(call)?.();
  }

  // Clients may come to read it: what happened is in the cause alone.
  #gone(cause?: Error): NanoError {
    return new NanoError({ code: "unavailable", message: `${this.#peer.id} is out of reach`, cause });
  }
}
