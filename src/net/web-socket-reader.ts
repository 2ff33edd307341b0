import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { systemClock } from "../clock/index.ts";
import { DirectSocket } from "./direct-socket.ts";
import type { FrameRules } from "./web-socket-frame.ts";
import { FrameLane, type LaneEnds } from "./web-socket-lane.ts";

type DataListener = (this: Duplex, bytes: Buffer) => void;

/** Takes the messages that need no judging. The bytes are only true during the call. */
export interface MessageTaker {
  take(message: Uint8Array): void;
}

/**
 * Reads what comes on the socket of an open WebSocket, in the place of `ws`, and leaves to `ws` what is not a whole binary message: that comes as the
 * WebSocket's own events. Called when `ws` has just begun to read.
 */
export function readFrames(webSocket: WebSocket, socket: Duplex, rules: FrameRules, taker: MessageTaker): void {
  const theirs = socket.listeners("data").at(-1) as DataListener | undefined;
  if (!theirs) return;
  const reader = new FrameReader(webSocket, socket, theirs, rules, taker);
  const data = (bytes: Uint8Array): void => reader.lane.read(bytes);
  // As the wrappers that `once` makes: when `ws` takes its own listener off, this one goes.
  socket.off("data", theirs).on("data", Object.assign(data, { listener: theirs }));
  if (socket instanceof DirectSocket) socket.heard = data;
}

/** What the lane of one socket leads to. */
class FrameReader implements LaneEnds {
  readonly lane: FrameLane;
  readonly #webSocket: WebSocket;
  readonly #socket: Duplex;
  readonly #theirs: DataListener;
  readonly #taker: MessageTaker;

  constructor(webSocket: WebSocket, socket: Duplex, theirs: DataListener, rules: FrameRules, taker: MessageTaker) {
    this.lane = new FrameLane(rules, this);
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#theirs = theirs;
    this.#taker = taker;
  }

  isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  message(bytes: Uint8Array, from: number, to: number): void {
    this.#taker.take(new Uint8Array(bytes.buffer, bytes.byteOffset + from, to - from));
  }

  rest(bytes: Uint8Array, from: number, to: number): void {
    const socket = this.#socket;
    // After a close `ws` does not listen any more.
    if (socket.listenerCount("data") === 0) return;
    // It keeps parts of frames; what a socket read by itself is its own, and what was read directly is overwritten.
    const own = Buffer.isBuffer(bytes) ? bytes.subarray(from, to) : Buffer.from(bytes.subarray(from, to));
    this.#theirs.call(socket, own);
  }

  judged(call: () => void): void {
    systemClock.afterInput(call);
  }
}
