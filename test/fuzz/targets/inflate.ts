import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { CompressionError, inflateZlib } from "../../../src/compression/index.ts";
import { vector, bytesOf as vectorBytes } from "../../vectors/vectors.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const maxInflatedBytes = 65_536;
const text = bytesOf('{"content":"hi there, hi there, hi there"}');

/** Deflated bodies of clients. */
export const inflate: Target = {
  name: "inflate",
  throws: CompressionError,
  maxBytes: 65_536,
  tokens: [
    Uint8Array.of(0x78, 0x9c),
    Uint8Array.of(0x78, 0x01),
    Uint8Array.of(1, 0, 0, 0xff, 0xff),
    Uint8Array.of(0, 0, 0, 0xff, 0xff),
    Uint8Array.of(0x1f, 0x8b, 8, 0),
  ],
  seeds: () => ({
    V24: vectorBytes(vector("V24")).subarray(10),
    "V26-of-go": vectorBytes(vector("V26")).subarray(2),
    empty: bytesOf(),
    nothing: bytesOf(deflateSync("")),
    text: bytesOf(deflateSync(text)),
    best: bytesOf(deflateSync(text, { level: 9 })),
    stored: bytesOf(deflateSync(text, { level: 0 })),
    "small-window": bytesOf(deflateSync(text, { windowBits: 9 })),
    dictionary: bytesOf(deflateSync(text, { dictionary: Buffer.from("hi there") })),
    raw: bytesOf(deflateRawSync(text)),
    gzip: bytesOf(gzipSync(text)),
    "at-the-limit": bytesOf(deflateSync(new Uint8Array(maxInflatedBytes))),
    "over-the-limit": bytesOf(deflateSync(new Uint8Array(maxInflatedBytes + 1))),
    bomb: bytesOf(deflateSync(new Uint8Array(500_000))),
    "bomb-in-pieces": bytesOf(deflateSync(new Uint8Array(300_000), { strategy: 2 }).subarray(0, 1_500)),
    cut: bytesOf(deflateSync(text)).subarray(0, 12),
    "no-checksum": bytesOf(deflateSync(text)).subarray(0, -4),
    "wrong-checksum": bytesOf(bytesOf(deflateSync(text)).subarray(0, -1), 0),
    "more-behind": bytesOf(deflateSync(text), "and more"),
    "header-alone": Uint8Array.of(0x78, 0x9c),
    plain: text,
    noise: Uint8Array.from({ length: 60 }, (_none, at) => (at * 167 + 13) & 255),
    "block-of-type-three": Uint8Array.of(0x78, 0x9c, 7, 0),
    "many-empty-blocks": bytesOf(Uint8Array.of(0x78, 0x9c), new Uint8Array(500)),
  }),
  run(bytes) {
    try {
      holds(inflateZlib(bytes, maxInflatedBytes).length <= maxInflatedBytes, "over the limit");
    } catch (reason) {
      if (reason instanceof CompressionError) holds(typeof reason.tooLarge === "boolean", "neither too large nor wrong");
      throw reason;
    }
  },
};
