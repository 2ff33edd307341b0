/** Keys from one on, up to another that is not among them. Keys are texts of one character a byte: they sort as the bytes do. */
export interface KeyRange {
  readonly from: string;
  /** Undefined: all that come after `from`. */
  readonly to: string | undefined;
}

/** A key as text. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1");
}

/** The bytes of a key. */
export function keyBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** The range that a request means: without an end one key, and with a zero byte as the end everything from the key on. */
export function keyRange(key: Uint8Array, end: Uint8Array): KeyRange {
  const from = keyText(key);
  // A zero byte more is the very next key.
  if (end.length === 0) return { from, to: `${from}\0` };
  return { from, to: end.length === 1 && end[0] === 0 ? undefined : keyText(end) };
}

/** Whether a key lies in a range. */
export function isWithin({ from, to }: KeyRange, key: string): boolean {
  return key >= from && (to === undefined || key < to);
}
