/** How many bytes a number takes: seven bits each. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  let bytes = 2;
  for (let rest = value / 0x4000; rest >= 1; rest /= 128) bytes++;
  return bytes;
}

/** Writes a number, and gives where it ends. */
export function writeVarint(target: Uint8Array, from: number, value: number): number {
  let at = from;
  let rest = value;
  for (; rest > 0x7fff_ffff; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 0x80;
  for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
  target[at++] = rest;
  return at;
}

/** How many bytes a field with a number takes; 0 is not written. */
export function numberField(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

/** How many bytes a field takes that has so many bytes; without any it is not written. */
export function bytesField(length: number): number {
  return length === 0 ? 0 : messageField(length);
}

/** How many bytes a message of so many takes as a field: it is written also where it is empty. */
export function messageField(length: number): number {
  return 1 + varintBytes(length) + length;
}

/** Whether each letter of a text is one byte. */
export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= 0x80) return false;
  return true;
}

/** Fields of protobuf, laid one behind the other in bytes that have room for them: whoever writes has counted. */
export class WireWriter {
  readonly bytes: Buffer;
  at = 0;

  constructor(length: number) {
    // Out of node's pool: the frames of a turn lie beside each other.
    this.bytes = Buffer.allocUnsafe(length);
  }

  varint(value: number): void {
    this.at = writeVarint(this.bytes, this.at, value);
  }

  number(tag: number, value: number): void {
    if (value === 0) return;
    this.bytes[this.at++] = tag;
    this.varint(value);
  }

  /** @param text In ASCII. */
  text(tag: number, text: string): void {
    if (text === "") return;
    this.head(tag, text.length);
    for (let at = 0; at < text.length; at++) this.bytes[this.at++] = text.charCodeAt(at);
  }

  blob(tag: number, blob: Uint8Array): void {
    if (blob.length === 0) return;
    this.head(tag, blob.length);
    this.bytes.set(blob, this.at);
    this.at += blob.length;
  }

  /** What stands before a field with a length. */
  head(tag: number, length: number): void {
    this.bytes[this.at++] = tag;
    this.varint(length);
  }
}
