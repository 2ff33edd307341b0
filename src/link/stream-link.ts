import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import {
  AnswerSchema,
  CancelSchema,
  type Frame,
  FrameSchema,
  type Goodbye,
  GoodbyeSchema,
  LinkRequestSchema,
  PingSchema,
  PongSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, DeadlineSweep, Random } from "../clock/index.ts";
import { fromWireError, isCode, NanoError, publicError } from "../error/index.ts";
import type { ByteStream } from "../net/index.ts";
import { EnvelopeDecoder, endStreamFlag, maxEnvelopeBytes } from "./envelope.ts";
import { Greeting } from "./greeting.ts";
import type { FrameBody, Link, LinkCounters, LinkEvents, Outcome, Peer } from "./link.ts";
import { Outbox } from "./outbox.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { End } from "./proof.ts";

/** What a link needs of the hub. */
export interface StreamLinkOptions {
  readonly self: () => Peer;
  readonly dialed: boolean;
  /** Whom this side means to reach. */
  readonly expected?: End;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlines: DeadlineSweep;
  readonly tokens: readonly string[];
  readonly load: () => number;
  /** Throws why a peer that dialed may not have the link. */
  readonly admit: (peer: Peer) => void;
  readonly events: LinkEvents;
  /** The link has ended before it was open. */
  readonly refused: (error: NanoError) => void;
  /** How much may wait to be sent before data frames are refused. The default is 4 MiB; over four times as much the link breaks. */
  readonly maxWaitingBytes?: number;
}

// A stranger may keep no more than this busy.
const maxGreetingBytes = 16 * 1_024;
const defaultMaxWaitingBytes = 4 * 1_024 * 1_024;
const ackEvery = 64n;
const maxReasonLength = 256;

/** A link over one stream of bytes: a greeting, then frames, batched in one envelope a turn. */
export class StreamLink implements Link {
  readonly dialed: boolean;
  readonly counters: LinkCounters = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, refused: 0, late: 0, pings: 0 };
  readonly startedAtMs: number;
  openedAtMs = 0;
  lastReceivedAtMs: number;
  lastDataAtMs: number;
  load = 0;

  readonly #options: StreamLinkOptions;
  readonly #maxWaitingBytes: number;
  readonly #decoder: EnvelopeDecoder;
  readonly #greeting: Greeting;
  readonly #calls: PendingCalls;
  #stream: ByteStream | undefined;
  #outbox: Outbox | undefined;
  #peer: Peer | undefined;
  #state: "greeting" | "open" | "closed" = "greeting";
  #sentNumber = 0n;
  #receivedNumber = 0n;
  #ackedNumber = 0n;

  constructor(options: StreamLinkOptions) {
    const { dialed, clock, random, tokens, expected, deadlines } = options;
    this.#options = options;
    this.#maxWaitingBytes = options.maxWaitingBytes ?? defaultMaxWaitingBytes;
    this.dialed = dialed;
    this.startedAtMs = this.lastReceivedAtMs = this.lastDataAtMs = clock.now();
    // What follows a greeting in one batch is as large as anything; only from strangers nothing may follow.
    this.#decoder = new EnvelopeDecoder(dialed ? maxEnvelopeBytes : maxGreetingBytes);
    this.#greeting = new Greeting({
      self: options.self(),
      dialed,
      random,
      tokens,
      expected,
      admit: options.admit,
      send: (body) => this.#push(body),
    });
    this.#calls = new PendingCalls(deadlines, (call) => this.#tellCanceled(call));
  }

  get peer(): Peer {
    if (!this.#peer) throw new NanoError({ code: "failed_precondition", message: "the link is not open yet" });
    return this.#peer;
  }
  get closed(): boolean {
    return this.#state === "closed";
  }
  get pending(): number {
    return this.#calls.size;
  }
  /** Whether the stream is there. */
  get begun(): boolean {
    return this.#stream !== undefined;
  }

  /** The stream is there: who dialed says Hello. */
  begin(stream: ByteStream): void {
    if (this.#state === "closed") return stream.destroy();
    this.#stream = stream;
    this.#outbox = new Outbox(this.#options.clock, stream, this.counters, () => this.#mustBeRead());
    this.#greeting.begin();
  }

  send(body: FrameBody): void {
    if (this.#state === "open") this.#push(body);
  }

  sendData(body: FrameBody): void {
    if (this.#state !== "open") throw broken("the link is closed");
    if ((this.#outbox?.waitingBytes ?? 0) > this.#maxWaitingBytes) this.#tooMuch(`the link to ${this.peer.id} is full`);
    const frame = encodeFrame(create(FrameSchema, { number: this.#sentNumber + 1n, body, ...this.#rider() }));
    if (frame.length > maxEnvelopeBytes) this.#tooMuch(`a frame has at most ${maxEnvelopeBytes} bytes`);
    this.#sentNumber++;
    this.lastDataAtMs = this.#options.clock.now();
    this.#outbox?.add(frame);
  }

  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint {
    const call = this.#calls.add(deadlineMs, settle);
    // The caller has not got the number yet: it hears after this turn.
    if (this.#state === "closed") queueMicrotask(() => this.#calls.settle(call, broken("the link is closed")));
    return call;
  }

  cancel(call: bigint, reason: NanoError): void {
    if (this.#calls.settle(call, reason)) this.#tellCanceled(call);
  }

  forget(call: bigint, reason: NanoError): void {
    this.#calls.settle(call, reason);
  }

  answer(call: bigint, outcome: Outcome): void {
    if (call === 0n || this.#state !== "open") return;
    const body: FrameBody = { case: "answer", value: create(AnswerSchema, { call, outcome }) };
    const frame = encodeFrame(create(FrameSchema, { body, ...this.#rider() }));
    if (frame.length <= maxEnvelopeBytes) return this.#outbox?.add(frame);
    const error = { code: "resource_exhausted", msg: `an answer has at most ${maxEnvelopeBytes} bytes` };
    this.#push({
      case: "answer",
      value: create(AnswerSchema, { call, outcome: { case: "error", value: create(ErrorSchema, error) } }),
    });
  }

  close(reason: string): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#push({ case: "goodbye", value: create(GoodbyeSchema, { reason }) });
    this.#outbox?.flush();
    this.#stream?.end({ code: undefined, message: reason });
    this.#over(broken(reason));
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.counters.pings++;
    this.send({ case: "ping", value: create(PingSchema) });
  }

  /** The peer cannot be talked to: ends at once. */
  break(error: NanoError): void {
    if (this.#state === "closed") return;
    this.#stream?.destroy();
    this.#over(error);
  }

  /** The peer may not have the link, or speaks nonsense: it is told why. */
  refuse(error: NanoError): void {
    if (this.#state === "closed") return;
    const { code, message: reason } = publicError(error);
    if (this.#stream) this.#push({ case: "goodbye", value: create(GoodbyeSchema, { code, reason }) });
    this.#outbox?.flush();
    this.#stream?.end({ code, message: reason });
    this.#over(error);
  }

  data(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.lastReceivedAtMs = this.#options.clock.now();
    this.counters.bytesIn += bytes.length;
    try {
      this.#decoder.push(bytes, this.#envelope);
    } catch (reason) {
      this.refuse(
        reason instanceof NanoError ? reason : new NanoError({ code: "internal", message: String(reason), cause: reason }),
      );
    }
  }

  closedByStream(error?: Error): void {
    this.#over(broken(error ? `the link broke: ${error.message}` : "the peer closed the link", error));
  }

  /** Tells how far the peer was read, where no other frame has. */
  acknowledge(): void {
    if (this.#state === "open" && this.#receivedNumber !== this.#ackedNumber)
      this.#outbox?.add(encodeFrame(create(FrameSchema, this.#rider())));
  }

  readonly #envelope = (flags: number, body: Uint8Array): void => {
    // What follows the end of a Connect stream is its status: the goodbye before it has said the same.
    if (this.#state === "closed" || (flags & endStreamFlag) !== 0) return;
    for (const frame of decodeFrames(body)) {
      // A goodbye is the last word.
      if (this.closed) return;
      this.#frame(frame);
    }
  };

  #frame(frame: Frame): void {
    this.counters.framesIn++;
    if (frame.load > 0) this.load = frame.load - 1;
    if (frame.number > 0n) {
      this.#receivedNumber = frame.number;
      this.lastDataAtMs = this.lastReceivedAtMs;
    }
    const { body } = frame;
    // Of a later version: what rides on it counts all the same.
    if (body.case !== undefined) {
      if (body.case === "goodbye") this.#left(body.value);
      else if (this.#state === "greeting") this.#greeted(body);
      else this.#take(body);
    }
    if (this.#receivedNumber - this.#ackedNumber >= ackEvery) this.acknowledge();
  }

  #greeted(body: FrameBody): void {
    const peer = this.#greeting.take(body);
    if (!peer) return;
    this.#peer = peer;
    this.#state = "open";
    this.openedAtMs = this.#options.clock.now();
    this.#decoder.maxBytes = maxEnvelopeBytes;
    this.#options.events.opened(this);
  }

  #left({ code, reason }: Goodbye): void {
    const message = reason.slice(0, maxReasonLength) || "the peer closed the link";
    this.#stream?.end({ code: undefined, message: "" });
    this.#over(this.#state === "greeting" && isCode(code) ? new NanoError({ code, message }) : broken(message));
  }

  #take(body: FrameBody): void {
    switch (body.case) {
      case "answer": {
        const { call, outcome } = body.value;
        const settled = this.#calls.settle(
          call,
          outcome.case === undefined
            ? broken("the answer is empty")
            : outcome.case === "error"
              ? fromWireError(outcome.value)
              : outcome,
        );
        if (!settled) this.counters.late++;
        return;
      }
      case "ping":
        return this.send({ case: "pong", value: create(PongSchema) });
      case "pong":
      // Chunks come with the version that sends them.
      case "chunk":
        return;
      case "hello":
      case "proof":
        throw new NanoError({ code: "failed_precondition", message: `a second ${body.case}` });
      default:
        this.#options.events.frame(this, body);
    }
  }

  /** What rides on any frame: how far the peer was read, and how busy this server is (0 says nothing, so one more). */
  #rider(): { ack?: bigint; load: number } {
    const load = this.#options.load() + 1;
    if (this.#receivedNumber === this.#ackedNumber) return { load };
    this.#ackedNumber = this.#receivedNumber;
    return { ack: this.#receivedNumber, load };
  }

  #push(body: FrameBody): void {
    this.#outbox?.add(encodeFrame(create(FrameSchema, { body, ...this.#rider() })));
  }

  #tellCanceled(call: bigint): void {
    this.send({ case: "cancel", value: create(CancelSchema, { call }) });
  }

  #tooMuch(message: string): never {
    this.counters.refused++;
    throw new NanoError({ code: "resource_exhausted", message });
  }

  // Answers and control frames are not refused: of a peer that asks and asks and does not read, only the link can be given up.
  #mustBeRead(): void {
    if ((this.#outbox?.waitingBytes ?? 0) <= 4 * this.#maxWaitingBytes) return;
    this.break(new NanoError({ code: "resource_exhausted", message: `${this.#peer?.id ?? "the peer"} does not read` }));
  }

  #over(error: NanoError): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#outbox?.clear();
    this.#calls.fail(error.code === "unavailable" ? error : broken(error.message, error));
    if (wasOpen) this.#options.events.closed(this, error);
    else this.#options.refused(error);
  }
}

// A frame as an element of `repeated Frame frames = 1`.
function encodeFrame(frame: Frame): Uint8Array {
  return toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: [frame] }));
}

// Requests and responses of the stream have one shape.
function decodeFrames(body: Uint8Array): Frame[] {
  try {
    return fromBinary(LinkRequestSchema, body.slice()).frames;
  } catch (reason) {
    throw new NanoError({ code: "invalid_argument", message: "what came is no frame", cause: reason });
  }
}

function broken(message: string, cause?: Error): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
