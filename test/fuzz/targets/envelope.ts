import { NanoError } from "../../../src/error/index.ts";
import { EnvelopeDecoder, endStreamFlag, maxEnvelopeBytes } from "../../../src/link/index.ts";
import { envelope } from "../../link/raw-link.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const header = (flags: number, length: number): Uint8Array =>
  Uint8Array.of(flags, length >>> 24, length >>> 16, length >>> 8, length);

/** The stream of a link, cut into envelopes: the first byte says how large the pieces are that it comes in. */
export const envelopes: Target = {
  name: "envelope",
  throws: NanoError,
  // What a socket gives at once, twice over.
  maxBytes: 131_072,
  chooses: true,
  tokens: [
    header(0, 0),
    header(2, 0),
    header(0, 1),
    header(0, maxEnvelopeBytes),
    header(0, maxEnvelopeBytes + 1),
    header(0, 0xffff_ffff),
    header(1, 3),
    Uint8Array.of(0x80),
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    const three = bytesOf(envelope(bytesOf("one")), envelope(bytesOf("")), envelope(bytesOf("three, which is longer")));
    for (const size of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 64]) all[`three-by-${size}`] = bytesOf(size, three);
    all["empty"] = bytesOf(0);
    all["end-of-stream"] = bytesOf(0, envelope(bytesOf("a")), envelope(bytesOf('{"error":{"code":"aborted"}}'), endStreamFlag));
    all["compressed"] = bytesOf(0, header(1, 4), "abcd");
    all["flags-not-known"] = bytesOf(2, header(0x84, 0));
    all["largest"] = bytesOf(5, header(0, maxEnvelopeBytes), "only the beginning");
    all["over-the-limit"] = bytesOf(0, header(0, maxEnvelopeBytes + 1), "x");
    all["four-gigabytes"] = bytesOf(1, header(0, 0xffff_ffff));
    all["cut-in-a-header"] = bytesOf(0, envelope(bytesOf("a")), 0, 0, 0);
    all["http"] = bytesOf(0, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for (let count = 1; count <= 6; count++) all[`empty-ones-${count}`] = bytesOf(count, new Uint8Array(5 * count));
    return all;
  },
  run(bytes) {
    const [piece = 0] = bytes;
    const stream = bytes.subarray(1);
    const atOnce = read(stream, Math.max(1, stream.length));
    if (piece > 0) holds(read(stream, piece).text === atOnce.text, "another split is another reading");
    if (atOnce.error) throw atOnce.error;
  },
};

function read(bytes: Uint8Array, piece: number): { readonly text: string; readonly error: unknown } {
  const decoder = new EnvelopeDecoder(maxEnvelopeBytes);
  let text = "";
  let offset = 0;
  // Of a long stream in small pieces the pieces would cost more than the reading.
  const step = Math.max(piece, bytes.length >> 9);
  try {
    for (let from = 0; from < bytes.length; from += step) {
      const lent = bytes.slice(from, from + step);
      decoder.push(lent, (flags, body) => {
        holds((flags & ~endStreamFlag) === 0, `the flags ${flags}`);
        holds(body.length <= maxEnvelopeBytes, "over the limit");
        holds(Buffer.compare(body, bytes.subarray(offset + 5, offset + 5 + body.length)) === 0, "a body that was not sent");
        offset += 5 + body.length;
        text += `${flags}:${offset};`;
      });
      lent.fill(0xee);
    }
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}
