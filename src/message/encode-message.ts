import { ByteWriter } from "../contract/index.ts";
import { flag, MessageError, type MessageHeader, MessageKind } from "./message.ts";

const maxRouteBytes = 255;
const maxCode = 0xffff;
const text = new TextEncoder();

/** Appends everything of a message but its body. Throws MessageError on a route over 255 bytes, or an id or code that has no bytes. */
export function writeMessageHeader(writer: ByteWriter, header: MessageHeader): void {
  const { kind, id, code } = header;
  const routed = kind !== MessageKind.response;
  const coded = routed && code >= 0;
  writer.byte(
    (kind << 1) |
      (coded ? flag.code : 0) |
      (header.compressed ? flag.compressed : 0) |
      (header.error ? flag.error : 0) |
      (header.trace ? flag.traced : 0),
  );
  if (kind === MessageKind.request || kind === MessageKind.response) writeId(writer, id);
  if (!routed) return;
  writeName(writer, header, coded);
  if (header.trace) writer.bytes(header.trace);
}

function writeName(writer: ByteWriter, { route, code }: MessageHeader, coded: boolean): void {
  if (coded) {
    if (code > maxCode) throw new MessageError(`a code has two bytes: ${code} is too large`);
    writer.byte(code >>> 8);
    writer.byte(code & 0xff);
  } else writeRoute(writer, route ?? "");
}

/** A whole message. Throws as `writeMessageHeader` does. */
export function encodeMessage(header: MessageHeader, body: Uint8Array): Uint8Array {
  const writer = new ByteWriter(body.length + 64);
  writeMessageHeader(writer, header);
  writer.bytes(body);
  return writer.view(0, writer.length);
}

/** How many bytes stand before the body of an answer. */
export function answerHeadBytes(id: number): number {
  let count = 2;
  for (let rest = id; rest >= 128; rest = Math.floor(rest / 128)) count++;
  return count;
}

/** Writes them: of a response that is no error, and not compressed. Gives where they end. */
export function writeAnswerHead(target: Uint8Array, at: number, id: number): number {
  let next = at;
  target[next++] = MessageKind.response << 1;
  let rest = id;
  while (rest >= 128) {
    target[next++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[next++] = rest;
  return next;
}

function writeId(writer: ByteWriter, id: number): void {
  if (!Number.isSafeInteger(id) || id < 0) throw new MessageError(`${id} is no id`);
  let rest = id;
  while (rest >= 128) {
    writer.byte((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  }
  writer.byte(rest);
}

function writeRoute(writer: ByteWriter, route: string): void {
  const { length } = route;
  // It says what is wrong with it.
  if (length > maxRouteBytes) return writeWideRoute(writer, route);
  const from = writer.reserve(1 + length);
  const { buffer } = writer;
  buffer[from] = length;
  for (let at = 0; at < length; at++) {
    const unit = route.charCodeAt(at);
    if (unit > 0x7f) {
      writer.truncate(from);
      return writeWideRoute(writer, route);
    }
    buffer[from + 1 + at] = unit;
  }
}

function writeWideRoute(writer: ByteWriter, route: string): void {
  const bytes = text.encode(route);
  if (bytes.length > maxRouteBytes) throw new MessageError("a route has at most 255 bytes");
  writer.byte(bytes.length);
  writer.bytes(bytes);
}
