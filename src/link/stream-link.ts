import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import {
  AnswerSchema,
  CancelSchema,
  type Frame,
  FrameSchema,
  GoodbyeSchema,
  type Hello,
  HelloSchema,
  LinkRequestSchema,
  PingSchema,
  PongSchema,
  ProofSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, DeadlineSweep, Random } from "../clock/index.ts";
import { fromWireError, NanoError } from "../error/index.ts";
import type { ByteStream } from "../net/index.ts";
import { EnvelopeDecoder, endStreamFlag, envelopeHeaderBytes, writeEnvelopeHeader } from "./envelope.ts";
import {
  type FrameBody,
  type Link,
  type LinkCounters,
  type LinkEvents,
  type Outcome,
  type Peer,
  protocolVersion,
} from "./link.ts";
import { PendingCalls } from "./pending-calls.ts";
import { prove, proves } from "./proof.ts";

/** What a link needs of the hub. */
export interface StreamLinkOptions {
  readonly self: () => Peer;
  readonly dialed: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlines: DeadlineSweep;
  readonly tokens: readonly string[];
  readonly load: () => number;
  readonly events: LinkEvents;
  /** How much may wait to be sent. The default is 4 MiB. */
  readonly maxWaitingBytes?: number;
}

const maxEnvelopeBytes = 256 * 1_024;
const defaultMaxWaitingBytes = 4 * 1_024 * 1_024;
const ackEvery = 64n;
const challengeBytes = 32;
const empty = new Uint8Array(0);

/** A link over one stream of bytes: Hello, proof, then frames, batched in one envelope a turn. */
export class StreamLink implements Link {
  readonly dialed: boolean;
  readonly counters: LinkCounters = { framesIn: 0, framesOut: 0, bytesIn: 0, bytesOut: 0, refused: 0, late: 0, pings: 0 };
  readonly startedAtMs: number;
  lastReceivedAtMs: number;
  lastDataAtMs: number;
  load = 0;

  readonly #options: StreamLinkOptions;
  readonly #decoder = new EnvelopeDecoder(maxEnvelopeBytes);
  readonly #challenge: Uint8Array;
  readonly #calls: PendingCalls;
  #stream: ByteStream | undefined;
  #hello: Hello | undefined;
  #peer: Peer | undefined;
  #state: "greeting" | "open" | "closed" = "greeting";
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #flushing = false;
  #sentNumber = 0n;
  #receivedNumber = 0n;
  #ackedNumber = 0n;

  constructor(options: StreamLinkOptions) {
    this.#options = options;
    this.dialed = options.dialed;
    this.startedAtMs = this.lastReceivedAtMs = this.lastDataAtMs = options.clock.now();
    this.#challenge = options.tokens.length > 0 ? options.random.bytes(challengeBytes) : empty;
    this.#calls = new PendingCalls(options.deadlines, (call) =>
      this.send({ case: "cancel", value: create(CancelSchema, { call }) }),
    );
  }

  get peer(): Peer {
    if (!this.#peer) throw new NanoError({ code: "failed_precondition", message: "the link is not open yet" });
    return this.#peer;
  }
  get closed(): boolean {
    return this.#state === "closed";
  }
  get open(): boolean {
    return this.#state === "open";
  }
  get pending(): number {
    return this.#calls.size;
  }

  /** The stream is there: says Hello. */
  begin(stream: ByteStream): void {
    this.#stream = stream;
    const self = this.#options.self();
    this.#push({
      case: "hello",
      value: create(HelloSchema, {
        ...self,
        types: [...self.types],
        protocolMin: protocolVersion,
        protocolMax: protocolVersion,
        encodings: ["protobuf"],
        challenge: this.#challenge,
      }),
    });
  }

  send(body: FrameBody): void {
    if (this.#state === "open") this.#push(body);
  }

  sendData(body: FrameBody): void {
    if (this.#state !== "open") throw new NanoError({ code: "unavailable", message: "the link is closed" });
    const waiting = this.#queuedBytes + (this.#stream?.queuedBytes ?? 0);
    if (waiting > (this.#options.maxWaitingBytes ?? defaultMaxWaitingBytes)) {
      this.counters.refused++;
      throw new NanoError({ code: "resource_exhausted", message: `the link to ${this.peer.id} is full` });
    }
    const frame = encodeFrame(create(FrameSchema, { number: this.#sentNumber + 1n, body, ...this.#rider() }));
    if (frame.length > maxEnvelopeBytes) {
      this.counters.refused++;
      throw new NanoError({ code: "resource_exhausted", message: `a frame has at most ${maxEnvelopeBytes} bytes` });
    }
    this.#sentNumber++;
    this.lastDataAtMs = this.#options.clock.now();
    this.#enqueue(frame);
  }

  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint {
    const call = this.#calls.add(deadlineMs, settle);
    // The caller has not got the number yet: it hears after this turn.
    if (this.#state === "closed") queueMicrotask(() => this.#calls.settle(call, broken("the link is closed")));
    return call;
  }

  cancel(call: bigint, reason: NanoError): void {
    if (this.#calls.settle(call, reason)) this.send({ case: "cancel", value: create(CancelSchema, { call }) });
  }

  answer(call: bigint, outcome: Outcome): void {
    if (call === 0n || this.#state !== "open") return;
    const body: FrameBody = { case: "answer", value: create(AnswerSchema, { call, outcome }) };
    const frame = encodeFrame(create(FrameSchema, { body, ...this.#rider() }));
    if (frame.length <= maxEnvelopeBytes) return this.#enqueue(frame);
    const error = { code: "resource_exhausted", msg: `an answer has at most ${maxEnvelopeBytes} bytes` };
    this.#push({
      case: "answer",
      value: create(AnswerSchema, { call, outcome: { case: "error", value: create(ErrorSchema, error) } }),
    });
  }

  close(reason: string): void {
    if (this.#state === "closed") return;
    if (this.#state === "open") this.#push({ case: "goodbye", value: create(GoodbyeSchema, { reason }) });
    this.#flush();
    if (!this.dialed) this.#stream?.write(endOfStream());
    this.#stream?.end();
    this.#over(broken(reason));
  }

  /** Asks for a sign of life. */
  ping(): void {
    this.counters.pings++;
    this.send({ case: "ping", value: create(PingSchema) });
  }

  /** The peer does not answer, or speaks nonsense. */
  break(error: NanoError): void {
    if (this.#state === "closed") return;
    this.#stream?.destroy();
    this.#over(error);
  }

  data(bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    this.lastReceivedAtMs = this.#options.clock.now();
    this.counters.bytesIn += bytes.length;
    try {
      this.#decoder.push(bytes, this.#envelope);
    } catch (reason) {
      this.break(NanoError.from(reason));
    }
  }

  drain(): void {}

  closedByStream(error?: Error): void {
    this.#over(broken(error ? `the link broke: ${error.message}` : "the peer closed the link", error));
  }

  readonly #envelope = (flags: number, body: Uint8Array): void => {
    // What follows the end of a Connect stream is its status: of a link there is nothing to learn from it.
    if (this.#state === "closed" || (flags & endStreamFlag) !== 0) return;
    // Requests and responses of the stream have one shape.
    for (const frame of fromBinary(LinkRequestSchema, body.slice()).frames) this.#frame(frame);
  };

  #frame(frame: Frame): void {
    this.counters.framesIn++;
    if (frame.load > 0) this.load = frame.load - 1;
    if (frame.number > 0n) {
      this.#receivedNumber = frame.number;
      this.lastDataAtMs = this.lastReceivedAtMs;
    }
    const { body } = frame;
    if (body.case === undefined || this.#state === "closed") return;
    if (this.#state === "greeting") this.#greeted(body);
    else this.#take(body);
    if (this.#receivedNumber - this.#ackedNumber >= ackEvery) this.acknowledge();
  }

  #greeted(body: FrameBody): void {
    const { tokens, self } = this.#options;
    if (body.case === "hello" && !this.#hello) {
      const hello = body.value;
      this.#hello = hello;
      if (hello.protocolMin > protocolVersion || hello.protocolMax < protocolVersion) {
        return this.break(
          broken(`${hello.id} speaks protocol ${hello.protocolMin} to ${hello.protocolMax}, this server ${protocolVersion}`),
        );
      }
      const [token] = tokens;
      if (token !== undefined && hello.challenge.length === 0)
        return this.break(broken(`${hello.id} asks for no token: it has none`));
      if (token === undefined && hello.challenge.length > 0)
        return this.break(broken(`${hello.id} asks for a token: set cluster.tokens`));
      if (token === undefined) return this.#opened(hello);
      this.#push({ case: "proof", value: create(ProofSchema, { mac: prove(token, hello.challenge, self()) }) });
      return;
    }
    if (body.case === "proof" && this.#hello && tokens.length > 0) {
      if (proves(tokens, this.#challenge, this.#hello, body.value.mac)) this.#opened(this.#hello);
      else this.break(new NanoError({ code: "unauthenticated", message: `${this.#hello.id} has another token` }));
      return;
    }
    this.break(broken(`a ${body.case} before the link was open`));
  }

  #opened({ id, incarnation, types, frontend, schema }: Hello): void {
    this.#peer = { id, incarnation, types, frontend, schema };
    this.#state = "open";
    this.#options.events.opened(this);
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
      case "goodbye":
        this.#stream?.end();
        return this.#over(broken(body.value.reason || "the peer closed the link"));
      case "hello":
      case "proof":
        return this.break(broken(`a second ${body.case}`));
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

  /** Tells how far the peer was read, where no other frame has. */
  acknowledge(): void {
    if (this.#state === "open" && this.#receivedNumber !== this.#ackedNumber)
      this.#enqueue(encodeFrame(create(FrameSchema, this.#rider())));
  }

  #push(body: FrameBody): void {
    this.#enqueue(encodeFrame(create(FrameSchema, { body, ...this.#rider() })));
  }

  #enqueue(frame: Uint8Array): void {
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    this.counters.framesOut++;
    if (this.#flushing) return;
    this.#flushing = true;
    this.#options.clock.soon(() => this.#flush());
  }

  /** One write for all that a turn has sent, in its order. */
  #flush(): void {
    this.#flushing = false;
    const queue = this.#queue;
    const stream = this.#stream;
    if (queue.length === 0 || !stream || this.#state === "closed") return;
    this.#queue = [];
    const bytes = new Uint8Array(this.#queuedBytes + envelopeHeaderBytes * queue.length);
    this.#queuedBytes = 0;
    let at = 0;
    let envelopeAt = 0;
    for (const frame of queue) {
      if (at === 0 || at - envelopeAt - envelopeHeaderBytes + frame.length > maxEnvelopeBytes) {
        if (at > 0) writeEnvelopeHeader(bytes, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
        envelopeAt = at;
        at += envelopeHeaderBytes;
      }
      bytes.set(frame, at);
      at += frame.length;
    }
    writeEnvelopeHeader(bytes, envelopeAt, 0, at - envelopeAt - envelopeHeaderBytes);
    this.counters.bytesOut += at;
    stream.write(bytes.subarray(0, at));
  }

  #over(error: NanoError): void {
    if (this.#state === "closed") return;
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#calls.fail(
      error.code === "unavailable" ? error : new NanoError({ code: "unavailable", message: error.message, cause: error }),
    );
    if (wasOpen) this.#options.events.closed(this, error);
    else this.refused?.(error);
  }

  /** Called where the link ends before it was open. */
  refused: ((error: NanoError) => void) | undefined;
}

// A frame as an element of `repeated Frame frames = 1`: batches are elements laid behind each other.
function encodeFrame(frame: Frame): Uint8Array {
  return toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: [frame] }));
}

function endOfStream(): Uint8Array {
  const bytes = new Uint8Array(envelopeHeaderBytes + 2);
  writeEnvelopeHeader(bytes, 0, endStreamFlag, 2);
  bytes.set([0x7b, 0x7d], envelopeHeaderBytes);
  return bytes;
}

function broken(message: string, cause?: Error): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
