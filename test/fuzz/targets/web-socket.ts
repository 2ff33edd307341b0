import { conversations, first, frame } from "../../net/frames.ts";
import { readByLane, readPlainly } from "../../net/readings.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const maxPayload = 300;
const maxFragments = 4;
const server = { masked: false };
const pieceBytes = [0, 1, 2, 3, 5, 7, 64];

/**
 * Bytes of a WebSocket: the short way for whole binary messages is not to be noticed. The first byte says how large the pieces are that they come in,
 * and its highest bit who speaks: a client, or a server.
 */
export const webSocketFrames: Target = {
  name: "web-socket-frames",
  throws: RangeError,
  maxBytes: 65_536,
  chooses: true,
  // Every piece is given to two readers, which gather those of one frame.
  maxMsPerKiB: 20,
  tokens: [
    ...[first.binary, first.text, first.ping, first.pong, first.beginBinary, first.more, first.end].map((head) =>
      frame(head, "x"),
    ),
    ...[first.binary, first.text, first.ping, first.beginBinary, first.end].map((head) => frame(head, "x", server)),
    frame(first.binary, "", { lengthBytes: 8 }),
    frame(first.binary, "", { lengthBytes: 2 }),
    frame(first.close),
    frame(first.binary, new Uint8Array(maxPayload)),
    Uint8Array.of(first.binary, 0xfe, 0x01),
    Uint8Array.of(first.binary, 0xff, 0, 0, 0, 0, 0, 0),
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [side, form] of [
      [0, { masked: true }],
      [0x80, server],
    ] as const) {
      for (const [index, [what, whole]] of Object.entries(conversations(maxPayload, form)).entries()) {
        const name = `${what.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}-${side === 0 ? "of-a-client" : "of-a-server"}`;
        all[name] = bytesOf(side | (pieceBytes[index % pieceBytes.length] ?? 0), whole);
      }
    }
    return all;
  },
  run(bytes) {
    const [choice = 0] = bytes;
    const stream = bytes.slice(1);
    // Of a long stream in small pieces the pieces would cost more than the reading.
    const step = Math.max(choice & 0x7f || stream.length, stream.length >> 9, 1);
    const pieces = Array.from({ length: Math.ceil(stream.length / step) }, (_, at) => stream.slice(at * step, (at + 1) * step));
    const reading = { pieces, masked: choice < 0x80, maxPayload, maxFragments };
    const [plain, lane] = [readPlainly(reading), readByLane(reading)];
    holds(lane.said.length === plain.said.length, `${lane.said.length} events in the place of ${plain.said.length}`);
    for (const [at, said] of plain.said.entries()) holds(lane.said[at] === said, `${lane.said[at]} in the place of ${said}`);
    holds(String(lane.error) === String(plain.error), `${lane.error} in the place of ${plain.error}`);
    if (plain.error instanceof RangeError) throw plain.error;
  },
};
