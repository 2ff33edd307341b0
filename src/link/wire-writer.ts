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

// What writes gives where it ends. Whoever writes has counted: there is room.

/** Writes a field with a number; 0 is not written. */
export function writeNumber(target: Uint8Array, at: number, tag: number, value: number): number {
  if (value === 0) return at;
  target[at] = tag;
  return writeVarint(target, at + 1, value);
}

/** Writes what stands before a field with a length. */
export function writeHead(target: Uint8Array, at: number, tag: number, length: number): number {
  target[at] = tag;
  return writeVarint(target, at + 1, length);
}

/** Writes a field of text, if there is any. @param text In ASCII. */
export function writeText(target: Uint8Array, from: number, tag: number, text: string): number {
  if (text === "") return from;
  const at = writeHead(target, from, tag, text.length);
  for (let index = 0; index < text.length; index++) target[at + index] = text.charCodeAt(index);
  return at + text.length;
}

/** Writes a field of bytes, if there are any. */
export function writeBlob(target: Uint8Array, from: number, tag: number, blob: Uint8Array): number {
  if (blob.length === 0) return from;
  const at = writeHead(target, from, tag, blob.length);
  target.set(blob, at);
  return at + blob.length;
}
