import { create } from "@bufbuild/protobuf";
import { type Chunk, ChunkSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../error/index.ts";
import { encodeBody, type InFrame, type OutFrame, readWhole } from "./frame.ts";

/** What a server says in its Hello that can put chunks together. */
export const chunksFeature = "chunks";

/** Frames over this travel in chunks, each of at most this. */
export const chunkBytes = 64 * 1_024;

/** The largest frame in chunks. */
export const maxChunkedBytes = 1_024 * 1_024;

/** How many frames are sent in chunks at once. */
export const maxChunkedFrames = 4;

/** A large frame on its way out, piece by piece. */
export class Slicer {
  readonly frame: OutFrame;
  readonly #stream: bigint;
  #at = 0;

  constructor(frame: OutFrame, stream: bigint) {
    this.frame = frame;
    this.#stream = stream;
  }

  get restBytes(): number {
    return this.frame.bytes.length - this.#at;
  }

  /** The next piece, as a frame of its own. */
  next(): Uint8Array {
    const { bytes } = this.frame;
    const piece = bytes.subarray(this.#at, this.#at + chunkBytes);
    this.#at += piece.length;
    return encodeBody({
      case: "chunk",
      value: create(ChunkSchema, { stream: this.#stream, piece, last: this.#at === bytes.length }),
    });
  }
}

/** Puts the large frames of one stream together again. */
export class Assembler {
  readonly #pieces = new Map<bigint, { readonly pieces: Uint8Array[]; bytes: number }>();

  /** Gives the frame with its last chunk. Throws NanoError `resource_exhausted` over the limits, `invalid_argument` for what is no frame. */
  take({ stream, piece, last }: Chunk): InFrame | undefined {
    const under = this.#pieces.get(stream) ?? { pieces: [], bytes: 0 };
    under.bytes += piece.length;
    if (under.bytes > maxChunkedBytes) throw tooMuch(`a frame in chunks has at most ${maxChunkedBytes} bytes`);
    // A copy: a few bytes must not keep the batch that they came in.
    under.pieces.push(piece.slice());
    // Empty pieces cost as well.
    if (under.pieces.length > maxPieces) throw tooMuch(`a frame has at most ${maxPieces} chunks`);
    this.#pieces.set(stream, under);
    if (this.#pieces.size > maxChunkedFrames) throw tooMuch(`at most ${maxChunkedFrames} frames come in chunks at once`);
    if (!last) return undefined;
    this.#pieces.delete(stream);
    const whole = new Uint8Array(under.bytes);
    let at = 0;
    for (const one of under.pieces) {
      whole.set(one, at);
      at += one.length;
    }
    const frame = readWhole(whole);
    if (frame.body?.case === "chunk") throw new NanoError({ code: "invalid_argument", message: "chunks within chunks" });
    return frame;
  }
}

// Of pieces that are a quarter of what they may be.
const maxPieces = 4 * (maxChunkedBytes / chunkBytes);

function tooMuch(message: string): NanoError {
  return new NanoError({ code: "resource_exhausted", message });
}
