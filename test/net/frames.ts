import { bytes } from "./recorder.ts";

/** First bytes of frames. */
export const first = {
  binary: 0x82,
  text: 0x81,
  close: 0x88,
  ping: 0x89,
  pong: 0x8a,
  end: 0x80,
  beginBinary: 0x02,
  beginText: 0x01,
  more: 0x00,
};

/** How a frame is written. */
export interface FrameForm {
  /** The default is as a client: true. */
  readonly masked?: boolean;
  /** How many bytes the length takes. The default is the least that does. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** What the header says of the length. The default is the truth. */
  readonly length?: number;
}

const mask = Uint8Array.of(0x9d, 0x01, 0xfe, 0x37);

/** One frame. */
export function frame(head: number, body: Uint8Array | string = "", form: FrameForm = {}): Uint8Array {
  const payload = typeof body === "string" ? bytes(body) : body;
  const { masked = true, length = payload.length } = form;
  const { lengthBytes = length < 126 ? 0 : length < 0x1_0000 ? 2 : 8 } = form;
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = head;
  header[1] = (masked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) header.writeUInt16BE(length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return Uint8Array.from(
    Buffer.concat([header, ...(masked ? [mask, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))] : [payload])]),
  );
}

/** A close frame. */
function closeFrame(code: number, reason = "", form: FrameForm = {}): Uint8Array {
  return frame(first.close, Uint8Array.from([code >> 8, code & 0xff, ...bytes(reason)]), form);
}

const fill = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at * 7);

/** What a peer may say, by the rules and against them, where messages have at most `maxPayload` bytes and 4 fragments. */
export function conversations(maxPayload: number, form: FrameForm = {}): Readonly<Record<string, Uint8Array>> {
  const one = (head: number, body: Uint8Array | string = "", more: FrameForm = {}): Uint8Array =>
    frame(head, body, { ...form, ...more });
  const said = (...frames: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(frames));
  const last = one(first.binary, "behind it");
  const other = { masked: form.masked === false };
  const notUtf8 = Uint8Array.of(0x68, 0xff);
  return {
    "a message": one(first.binary, "hello"),
    "messages of every length": said(
      ...[0, 1, 2, 3, 4, 5, 23, 24, 25, 124, 125, 126, 127, 128, 255, 256].map((length) => one(first.binary, fill(length))),
    ),
    "a message of the limit": said(one(first.binary, fill(maxPayload)), last),
    "a message over the limit": said(one(first.binary, fill(maxPayload + 1)), last),
    "a length that takes two bytes without need": said(one(first.binary, fill(5), { lengthBytes: 2 }), last),
    "a length that takes eight bytes without need": said(one(first.binary, fill(5), { lengthBytes: 8 }), last),
    "no byte, and a length of eight": said(one(first.binary, "", { lengthBytes: 8 }), last),
    "a length that no message has": said(one(first.binary, "x", { length: 2 ** 33, lengthBytes: 8 }), last),
    "a length beyond all numbers": said(one(first.binary, "x", { length: 2 ** 60, lengthBytes: 8 }), last),
    "a length whose first bit is set": said(one(first.binary, "x", { length: 2 ** 63, lengthBytes: 8 }), last),
    "part of a header": said(last, one(first.binary, fill(300)).subarray(0, 3)),
    "part of a message": said(last, one(first.binary, "never whole").subarray(0, -1)),
    "texts between": said(last, one(first.text, "ä text"), last, one(first.text), last),
    "a text that is none": said(last, one(first.text, notUtf8), last),
    "pings and pongs between": said(one(first.ping), last, one(first.ping, "are you there"), last, one(first.pong, "yes"), last),
    "a ping of 125 bytes": said(one(first.ping, fill(125)), last),
    "a ping of 126 bytes": said(one(first.ping, fill(126)), last),
    "a ping in fragments": said(one(0x09, "x"), last),
    fragments: said(one(first.beginBinary, "a"), one(first.more, "b"), one(first.end, "c"), last),
    "fragments of text": said(one(first.beginText, "a"), one(first.end, "b"), last),
    "fragments of a text that is none": said(one(first.beginText, notUtf8), one(first.ping, "p"), one(first.end), last),
    "empty fragments": said(one(first.beginBinary), one(first.more), one(first.end), last),
    "a ping between fragments": said(last, one(first.beginBinary, "a"), one(first.ping, "p"), one(first.end, "b"), last),
    "a message between fragments": said(one(first.beginBinary, "a"), last, one(first.end, "b")),
    "too many fragments": said(
      one(first.beginBinary, "a"),
      ...["b", "c", "d"].map((body) => one(first.more, body)),
      one(first.end, "e"),
      last,
    ),
    "fragments over the limit": said(one(first.beginBinary, fill(maxPayload)), one(first.end, "x"), last),
    "an end without a beginning": said(one(first.end, "x"), last),
    "a reserved bit": said(last, one(first.binary | 0x40, "x"), last),
    "reserved bits": said(one(first.binary | 0x30, "x"), last),
    "a reserved opcode": said(one(0x83, "x"), last),
    "a reserved control opcode": said(one(0x8b, "x"), last),
    "a message that is not masked as it has to be": said(last, one(first.binary, "x", other), last),
    "a close behind a message": said(last, closeFrame(1000, "", form), last),
    "a close that says nothing": said(last, one(first.close), last),
    "a close with a reason": said(closeFrame(4_001, "enough", form), last, one(first.ping, "p")),
    "a close between fragments": said(one(first.beginBinary, "a"), closeFrame(1001, "", form), one(first.end, "b")),
    "half a close code": said(one(first.close, "x"), last),
    "a close code that may not be sent": said(closeFrame(1005, "", form), last),
    "a close with a reason that is no text": said(one(first.close, Uint8Array.of(3, 0xe8, 0xff)), last),
    "part of a close": said(last, closeFrame(1000, "never whole", form).subarray(0, -1)),
    HTTP: bytes("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    nothing: new Uint8Array(0),
  };
}

/** Bytes in pieces that end at these places. */
export function cut(whole: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((less, more) => less - more);
  return [...ends, whole.length].map((end, at) => whole.slice(ends[at - 1] ?? 0, end)).filter(({ length }) => length > 0);
}
