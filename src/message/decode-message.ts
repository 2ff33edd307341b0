import { flag, MessageError, MessageKind } from "./message.ts";
import type { RouteTexts } from "./route-texts.ts";

/** A message as it stands in a buffer. The same object may be filled again and again. */
export interface DecodedMessage {
  kind: MessageKind;
  id: number;
  route: string | undefined;
  code: number;
  compressed: boolean;
  error: boolean;
  /** Whether a place in a trace stands before the body, if that was agreed on. */
  traced: boolean;
  /** Where the body begins in the buffer. */
  bodyFrom: number;
  /** Where it ends. */
  bodyTo: number;
}

const text = new TextDecoder();

/**
 * Reads the message that stands in a buffer from `from` up to `to`. Throws MessageError on anything that is none.
 *
 * @param into Filled and given back. The default is a new one.
 * @param texts Routes that came before. The default is to build each anew.
 */
export function decodeMessage(
  buffer: Uint8Array,
  from: number,
  to: number,
  into: DecodedMessage = blank(),
  texts?: RouteTexts,
): DecodedMessage {
  if (to - from < 2) throw new MessageError("a message has at least two bytes");
  const flags = buffer[from] ?? 0;
  const kind = (flags & flag.kind) >> 1;
  if (kind > MessageKind.push) throw new MessageError(`${kind} is no kind of message`);
  // 0 to 3 are the four kinds.
  into.kind = kind as MessageKind;
  into.compressed = (flags & flag.compressed) !== 0;
  into.error = (flags & flag.error) !== 0;
  into.traced = (flags & flag.traced) !== 0;
  into.id = 0;
  into.route = undefined;
  into.code = -1;
  into.bodyFrom = from + 1;
  into.bodyTo = to;
  if (kind === MessageKind.request || kind === MessageKind.response) readId(buffer, to, into);
  if (kind !== MessageKind.response) readRoute(buffer, to, (flags & flag.code) !== 0, into, texts);
  return into;
}

function blank(): DecodedMessage {
  return {
    kind: MessageKind.request,
    id: 0,
    route: undefined,
    code: -1,
    compressed: false,
    error: false,
    traced: false,
    bodyFrom: 0,
    bodyTo: 0,
  };
}

// Seven bits a byte, least significant first. More bytes than needed are accepted, as clients write them.
function readId(buffer: Uint8Array, to: number, into: DecodedMessage): void {
  let at = into.bodyFrom;
  let id = 0;
  for (let factor = 1; ; factor *= 128) {
    if (at >= to) throw new MessageError("the id does not end");
    const byte = buffer[at++] ?? 0;
    id += (byte & 0x7f) * factor;
    if (id > Number.MAX_SAFE_INTEGER || factor > 2 ** 63) throw new MessageError("the id is too large");
    if (byte < 0x80) break;
  }
  into.id = id;
  into.bodyFrom = at;
}

function readRoute(buffer: Uint8Array, to: number, coded: boolean, into: DecodedMessage, texts: RouteTexts | undefined): void {
  const at = into.bodyFrom;
  if (coded) {
    if (at + 2 > to) throw new MessageError("the route's code is cut short");
    into.code = ((buffer[at] ?? 0) << 8) | (buffer[at + 1] ?? 0);
    into.bodyFrom = at + 2;
    return;
  }
  if (at >= to) throw new MessageError("the route is missing");
  const end = at + 1 + (buffer[at] ?? 0);
  if (end > to) throw new MessageError("the route is cut short");
  into.route = texts ? texts.find(buffer, at + 1, end, readText) : readText(buffer, at + 1, end);
  into.bodyFrom = end;
}

// Routes are short and nearly always ASCII, where building the text by hand beats the decoder.
function readText(buffer: Uint8Array, from: number, to: number): string {
  let ascii = "";
  for (let at = from; at < to; at++) {
    const byte = buffer[at] ?? 0;
    if (byte > 0x7f) return text.decode(buffer.subarray(from, to));
    ascii += String.fromCharCode(byte);
  }
  return ascii;
}
