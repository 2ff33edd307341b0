import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Frame, type FrameSchema, HelloSchema, LinkRequestSchema, ProofSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import {
  EnvelopeDecoder,
  endStreamFlag,
  envelopeHeaderBytes,
  type FrameBody,
  maxEnvelopeBytes,
  writeEnvelopeHeader,
} from "../../src/link/index.ts";
import { prove } from "../../src/link/proof.ts";
import type { ByteStream, StreamEvents } from "../../src/net/index.ts";

/** A frame as a test writes it. */
export type FrameInit = MessageInitShape<typeof FrameSchema>;

/** The value of a kind of frame. */
export type ValueOf<K extends FrameBody["case"]> = Extract<FrameBody, { readonly case: K }>["value"];

/** Who a raw link says it is. */
export interface RawName {
  readonly id: string;
  readonly incarnation: bigint;
}

/** One end of a link by hand: says what a test says, and keeps all that came. */
export class RawLink {
  /** Frames that came and were not taken. */
  readonly frames: Frame[] = [];
  /** How many envelopes came. */
  envelopes = 0;
  /** What stood in the last envelope of a Connect stream. */
  status: unknown;
  closed = false;
  stream: ByteStream | undefined;
  readonly #decoder = new EnvelopeDecoder(maxEnvelopeBytes);

  /** What a net tells it. */
  readonly events: StreamEvents = {
    data: (bytes) => {
      this.#decoder.push(bytes, (flags, body) => {
        this.envelopes++;
        if ((flags & endStreamFlag) !== 0) this.status = JSON.parse(new TextDecoder().decode(body));
        else this.frames.push(...fromBinary(LinkRequestSchema, body.slice()).frames);
      });
    },
    drain: () => {},
    closed: () => {
      this.closed = true;
    },
  };

  /** Sends frames in one envelope. */
  say(...frames: readonly FrameInit[]): void {
    this.sayBytes(envelope(toBinary(LinkRequestSchema, create(LinkRequestSchema, { frames: [...frames] }))));
  }

  sayBytes(bytes: Uint8Array): void {
    this.stream?.write(bytes);
  }

  /** Takes the first frame of a kind, and gives it. Throws where none came. */
  take<K extends FrameBody["case"]>(kind: K): ValueOf<K> {
    const at = this.frames.findIndex(({ body }) => body.case === kind);
    const [frame] = at < 0 ? [] : this.frames.splice(at, 1);
    if (!frame) throw new Error(`no ${kind} among ${this.kinds.join(", ") || "nothing"}`);
    return frame.body.value as ValueOf<K>;
  }

  /** The kinds of all frames that came, in order; those that only carry something have none. */
  get kinds(): string[] {
    return this.frames.map(({ body }) => body.case ?? "");
  }

  /** Says Hello, with a challenge where one is given. */
  hello(self: RawName, differs: MessageInitShape<typeof HelloSchema> = {}): void {
    const value = create(HelloSchema, { protocolMin: 1, protocolMax: 1, frontend: true, types: ["gate"], ...self, ...differs });
    this.say({ body: { case: "hello", value } });
  }

  /** Shows a token to the peer whose Hello came. */
  proof(token: string, self: RawName, peer: RawName & { readonly challenge: Uint8Array }, dialed = true): void {
    const mac = prove(token, peer.challenge, { dialed, prover: self, verifier: peer });
    this.say({ body: { case: "proof", value: create(ProofSchema, { mac }) } });
  }
}

/** A body as an envelope. */
export function envelope(body: Uint8Array, flags = 0): Uint8Array {
  const bytes = new Uint8Array(envelopeHeaderBytes + body.length);
  writeEnvelopeHeader(bytes, 0, flags, body.length);
  bytes.set(body, envelopeHeaderBytes);
  return bytes;
}
