import { create } from "@bufbuild/protobuf";
import { GoodbyeSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, Random } from "../clock/index.ts";
import { isCode, NanoError, publicError } from "../error/index.ts";
import type { RouteTexts } from "../message/index.ts";
import type { ByteStream, StreamEvents } from "../net/index.ts";
import { Assembler } from "./chunks.ts";
import { EnvelopeDecoder, endStreamFlag, maxEnvelopeBytes } from "./envelope.ts";
import { encodeBody, type InFrame, readFrames } from "./frame.ts";
import { type Greeted, Greeting } from "./greeting.ts";
import type { FrameBody, Peer } from "./link.ts";
import { Outbox } from "./outbox.ts";
import type { End } from "./proof.ts";
import type { Roles } from "./roles.ts";
import { unavailable } from "./unavailable.ts";

/** What a stream needs of whoever opens or accepts it. */
export interface LinkStreamOptions {
  readonly self: () => Peer;
  readonly dialed: boolean;
  /** Whom this side means to reach. */
  readonly expected?: End;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokens: readonly string[];
  readonly roles: Roles;
  /** Texts that came on any stream. */
  readonly texts: RouteTexts;
  /** Throws why a peer that dialed may not have the link. */
  readonly admit: (peer: Peer) => void;
  /** The name of the link with a peer that this side could go on with; 0n where there is none. */
  readonly former: (incarnation: bigint) => bigint;
  /** Two servers know each other: gives who takes what comes from now on. */
  readonly greeted: (greeted: Greeted) => StreamOwner;
  /** The stream has ended before that. */
  readonly refused: (error: NanoError) => void;
}

/** Who takes what comes on a stream. */
export interface StreamOwner {
  frame(frame: InFrame): void;
  /** All that came at once was taken. */
  idle(): void;
  bytesIn(bytes: number): void;
  /** Once. `last`: the peer has left, or was told to; otherwise the stream broke. */
  over(error: NanoError, last: boolean): void;
}

// A stranger may keep no more than this busy.
const maxGreetingBytes = 16 * 1_024;
const maxReasonLength = 256;

/** One stream of bytes that carries a link: a greeting, then frames, batched in one envelope a turn. */
export class LinkStream {
  readonly dialed: boolean;
  readonly startedAtMs: number;
  lastReceivedAtMs: number;
  readonly #options: LinkStreamOptions;
  readonly #decoder: EnvelopeDecoder;
  readonly #greeting: Greeting;
  readonly #assembler = new Assembler();
  #stream: ByteStream | undefined;
  #outbox: Outbox | undefined;
  #owner: StreamOwner | undefined;
  #over = false;

  constructor(options: LinkStreamOptions) {
    const { dialed, clock, random, tokens, expected, roles } = options;
    this.#options = options;
    this.dialed = dialed;
    this.startedAtMs = this.lastReceivedAtMs = clock.now();
    // What follows a greeting in one batch is as large as anything; only from strangers nothing may follow.
    this.#decoder = new EnvelopeDecoder(dialed ? maxEnvelopeBytes : maxGreetingBytes);
    this.#greeting = new Greeting({
      self: options.self(),
      dialed,
      random,
      tokens,
      expected,
      roles,
      certificate: () => this.#stream?.certificate,
      admit: options.admit,
      former: options.former,
      send: (body) => this.#say(body),
    });
  }

  /** Whether the bytes can flow. */
  get begun(): boolean {
    return this.#stream !== undefined;
  }
  get over(): boolean {
    return this.#over;
  }
  /** Whether its peer has said all, and the cluster has not heard of it. */
  get waiting(): boolean {
    return !this.#over && this.#greeting.waiting;
  }
  /** Where frames go. Throws before `begin`. */
  get outbox(): Outbox {
    if (!this.#outbox) throw new NanoError({ code: "failed_precondition", message: "the stream is not there yet" });
    return this.#outbox;
  }

  /** What a net tells it. */
  readonly events: StreamEvents = {
    data: (bytes) => this.data(bytes),
    drain: () => this.#outbox?.flush(),
    closed: (error) =>
      this.#end(unavailable(error ? `the link broke: ${error.message}` : "the peer closed the link", error), false),
  };

  /** The stream is there: who dialed says Hello. */
  begin(stream: ByteStream): void {
    if (this.#over) return stream.destroy();
    this.#stream = stream;
    this.#outbox = new Outbox(this.#options.clock, stream);
    this.#greeting.begin();
  }

  data(bytes: Uint8Array): void {
    if (this.#over) return;
    this.lastReceivedAtMs = this.#options.clock.now();
    this.#owner?.bytesIn(bytes.length);
    try {
      this.#decoder.push(bytes, this.#envelope);
    } catch (reason) {
      this.#refuseFor(reason);
    }
    this.#owner?.idle();
  }

  /** Looks once more whether the cluster has heard of the peer. @param last The peer is refused where it has not. */
  look(last = false): void {
    if (!this.waiting) return;
    try {
      this.#greeted(this.#greeting.again(last));
    } catch (reason) {
      this.#refuseFor(reason);
    }
  }

  /** Says goodbye, sends what waits, and ends. */
  close(reason: string): void {
    if (this.#over) return;
    if (this.#owner) this.#say({ case: "goodbye", value: create(GoodbyeSchema, { reason }) }, true);
    this.#outbox?.flush(true);
    this.#stream?.end({ code: undefined, message: reason });
    this.#end(unavailable(reason), true);
  }

  /** The peer may not have the link, or speaks nonsense: it is told why. */
  refuse(error: NanoError): void {
    if (this.#over) return;
    const { code, message: reason } = publicError(error);
    if (this.#stream) this.#say({ case: "goodbye", value: create(GoodbyeSchema, { code, reason }) }, true);
    this.#outbox?.flush(true);
    this.#stream?.end({ code, message: reason });
    this.#end(error, true);
  }

  /** Ends at once. */
  destroy(error: NanoError, last: boolean): void {
    if (this.#over) return;
    this.#stream?.destroy();
    this.#end(error, last);
  }

  readonly #envelope = (flags: number, body: Uint8Array): void => {
    // What follows the end of a Connect stream is its status: the goodbye before it has said the same.
    if (this.#over || (flags & endStreamFlag) !== 0) return;
    for (const frame of readFrames(body.slice(), this.#options.texts)) {
      // A goodbye is the last word.
      if (this.#over) return;
      this.#frame(frame);
    }
  };

  #frame(frame: InFrame): void {
    const { body } = frame;
    if (body?.case === "goodbye") {
      const message = body.value.reason.slice(0, maxReasonLength) || "the peer closed the link";
      const { code } = body.value;
      this.#stream?.end({ code: undefined, message: "" });
      return this.#end(!this.#owner && isCode(code) ? new NanoError({ code, message }) : unavailable(message), true);
    }
    if (!this.#owner) {
      // Of a later version.
      if (body) this.#greeted(this.#greeting.take(body));
      return;
    }
    if (body?.case === "chunk") {
      const whole = this.#assembler.take(body.value);
      frame.body = whole?.body;
      frame.bodyBytes = whole?.bodyBytes ?? frame.bodyBytes;
    }
    this.#owner.frame(frame);
  }

  #refuseFor(reason: unknown): void {
    this.refuse(
      reason instanceof NanoError ? reason : new NanoError({ code: "internal", message: String(reason), cause: reason }),
    );
  }

  #greeted(greeted: Greeted | undefined): void {
    if (!greeted) return;
    this.#stream?.trust?.();
    this.#decoder.maxBytes = maxEnvelopeBytes;
    this.outbox.chunks = greeted.chunks;
    this.#owner = this.#options.greeted(greeted);
  }

  #say(body: FrameBody, last = false): void {
    const bytes = encodeBody(body);
    if (last) this.outbox.addLast(bytes);
    else this.outbox.addFirst(bytes);
  }

  #end(error: NanoError, last: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#owner) this.#owner.over(error, last);
    else this.#options.refused(error);
  }
}
