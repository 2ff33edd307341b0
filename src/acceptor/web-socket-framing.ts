import type { Framing } from "./acceptor.ts";

// RFC 6455, 5.2: FIN and opcode 2 (binary); a server does not mask.
const finalBinary = 0x82;
const twoByteLength = 126;
const eightByteLength = 127;

/** The frame of a WebSocket around one packet. */
export const webSocketFraming: Framing = {
  headerBytes: (packetBytes) => (packetBytes < twoByteLength ? 2 : packetBytes <= 0xffff ? 4 : 10),
  writeHeader(target, at, packetBytes) {
    target[at] = finalBinary;
    if (packetBytes < twoByteLength) target[at + 1] = packetBytes;
    else if (packetBytes <= 0xffff) {
      target[at + 1] = twoByteLength;
      target[at + 2] = packetBytes >>> 8;
      target[at + 3] = packetBytes;
    } else {
      target[at + 1] = eightByteLength;
      // A packet has 24 bits of length.
      target.fill(0, at + 2, at + 6);
      target[at + 6] = packetBytes >>> 24;
      target[at + 7] = packetBytes >>> 16;
      target[at + 8] = packetBytes >>> 8;
      target[at + 9] = packetBytes;
    }
  },
};
