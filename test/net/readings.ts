import type { Writable } from "node:stream";
import * as ws from "ws";
import { FrameLane } from "../../src/net/web-socket-lane.ts";

/** What is read, and by which rules. */
export interface Reading {
  /** As they come: each is read before the next is there. */
  readonly pieces: readonly Uint8Array[];
  readonly masked: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
}

/** What came of it, in order: messages, pings and pongs as hex, how it was closed, and the error. */
export interface Readings {
  readonly said: readonly string[];
  readonly error: unknown;
  /** How many messages came past the general reader. */
  readonly short: number;
}

interface Receiver extends Writable {
  on(event: string, heard: (...args: never[]) => void): this;
}

// The package exports it; its types do not.
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: { isServer: boolean; maxPayload: number; maxFragments: number }) => Receiver;
};

/** By the reader of `ws` alone. */
export function readPlainly(reading: Reading): Readings {
  const reader = createReader(reading);
  for (const piece of reading.pieces) {
    reader.turn();
    reader.write(Buffer.from(piece));
  }
  return { said: reader.said, error: reader.receiver.errored, short: 0 };
}

/** By a lane before such a reader. */
export function readByLane(reading: Reading): Readings {
  const reader = createReader(reading);
  let short = 0;
  let later: (() => void)[] = [];
  const lane = new FrameLane(reading, {
    isOpen: () => reader.isOpen,
    message(bytes, from, to) {
      short++;
      reader.said.push(`message ${hex(bytes.subarray(from, to))}`);
    },
    rest: (bytes, from, to) => reader.write(Buffer.from(bytes.subarray(from, to))),
    judged: (call) => void later.push(call),
  });
  for (const piece of reading.pieces) {
    reader.turn();
    const due = later;
    later = [];
    for (const call of due) call();
    const lent = piece.slice();
    lane.read(lent);
    lent.fill(0xee);
  }
  return { said: reader.said, error: reader.receiver.errored, short };
}

/** As a WebSocket has it: it hears of an error a turn later, and reads no more after that, or after a close. */
function createReader({ masked, maxPayload, maxFragments }: Reading) {
  const receiver = new Receiver({ isServer: masked, maxPayload, maxFragments });
  const said: string[] = [];
  let closed = false;
  let heardOfError = false;
  receiver.on("error", () => {});
  for (const event of ["message", "ping", "pong"]) receiver.on(event, (data: Buffer) => void said.push(`${event} ${hex(data)}`));
  receiver.on("conclude", (code: number, reason: Buffer) => {
    closed = true;
    said.push(`close ${code} ${hex(reason)}`);
  });
  return {
    receiver,
    said,
    turn() {
      heardOfError = receiver.errored !== null;
    },
    get isOpen() {
      return !closed && !heardOfError;
    },
    write(bytes: Buffer) {
      if (!closed && !heardOfError) receiver.write(bytes);
    },
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
