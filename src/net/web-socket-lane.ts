import {
  type FrameRules,
  frameBytes,
  headerBytes,
  isControlFrame,
  isFinalFrame,
  lastOfAll,
  tooShort,
  unmask,
  wholeBinary,
} from "./web-socket-frame.ts";

/** What a lane leads to. What it gives stands in `bytes` from `from` to `to`, and is only true during the call. */
export interface LaneEnds {
  /** Whether messages are taken. Once they are not, they never are again. */
  isOpen(): boolean;
  /** Takes a whole message. */
  message(bytes: Uint8Array, from: number, to: number): void;
  /** Takes what the reader has to see. */
  rest(bytes: Uint8Array, from: number, to: number): void;
  /** Calls when the reader has said what is wrong with what it got, if anything is. */
  judged(call: () => void): void;
}

const nothing = new Uint8Array(0);

/**
 * The short way of a WebSocket's bytes, before a reader that knows all of RFC 6455: whole binary messages in one frame are taken out where they stand,
 * and everything else is left to the reader, byte for byte: parts of frames, fragments, texts, pings, closes, and whatever breaks a rule. The reader
 * sees a connection on which the messages taken out were never sent, so that it alone judges.
 */
export class FrameLane {
  readonly #rules: FrameRules;
  readonly #ends: LaneEnds;
  // How many bytes are still to come of the frame that the reader has the beginning of.
  #owed = 0;
  // Whether the reader has the beginning of a message in fragments.
  #fragmented = false;
  // The beginning of a frame that is too short to say what it is. Nobody has it yet.
  #held = nothing;
  // Whether the reader may still find something wrong with a text or a fragment that it has. Nothing may overtake that.
  #doubtful = false;
  // Whether the reader has what ends a connection, by the rules or against them.
  #over = false;

  constructor(rules: FrameRules, ends: LaneEnds) {
    this.#rules = rules;
    this.#ends = ends;
  }

  /** Reads on. The bytes are overwritten. */
  read(came: Uint8Array): void {
    const ends = this.#ends;
    const bytes = this.#held.length === 0 ? came : this.#withHeld(came);
    if (this.#over || !ends.isOpen()) return ends.rest(bytes, 0, bytes.length);
    // What stands between belongs to the reader, before anything behind it is taken out.
    let given = 0;
    let at = Math.min(this.#owed, bytes.length);
    this.#owed -= at;
    while (at < bytes.length) {
      const length = frameBytes(bytes, at, this.#fragmented, this.#rules);
      if (length === tooShort) {
        this.#held = bytes.slice(at);
        break;
      }
      const end = length === lastOfAll ? bytes.length : at + length;
      const first = bytes[at] as number;
      if (first === wholeBinary && length !== lastOfAll && end <= bytes.length && !this.#doubtful) {
        if (given < at) ends.rest(bytes, given, at);
        if (!ends.isOpen()) return ends.rest(bytes, at, bytes.length);
        const from = at + headerBytes(bytes[at + 1] as number);
        if (this.#rules.masked) unmask(bytes, from, end);
        ends.message(bytes, from, end);
        if (!ends.isOpen()) return end < bytes.length ? ends.rest(bytes, end, bytes.length) : undefined;
        at = given = end;
        continue;
      }
      if (length === lastOfAll) this.#over = true;
      else if (!isControlFrame(first)) {
        this.#fragmented = !isFinalFrame(first);
        if (first !== wholeBinary) this.#doubtful = true;
      }
      at = Math.min(end, bytes.length);
      this.#owed = end - at;
    }
    if (given < at) ends.rest(bytes, given, at);
    // What is wrong is said a moment after it came, not at once.
    if (this.#doubtful && this.#owed === 0 && !this.#fragmented) ends.judged(() => this.#judged());
  }

  #judged(): void {
    if (this.#owed === 0 && !this.#fragmented) this.#doubtful = false;
  }

  #withHeld(came: Uint8Array): Uint8Array {
    const bytes = new Uint8Array(this.#held.length + came.length);
    bytes.set(this.#held);
    bytes.set(came, this.#held.length);
    this.#held = nothing;
    return bytes;
  }
}
