// What printed checks ask of values, counted as protovalidate counts.

/** How many characters a text has: code points, a half of a pair that stands alone among them. */
export function characters(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++, count++) if ((text.codePointAt(at) ?? 0) > 0xffff) at++;
  return count;
}

/** How many bytes a text has in UTF-8. */
export function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0;
    // Half of a pair alone is sent as U+FFFD, of three bytes.
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point > 0xffff ? 4 : 3;
    if (point > 0xffff) at++;
  }
  return bytes;
}

/** Whether no value comes twice. */
export function allDifferent(values: readonly unknown[]): boolean {
  // A Set would take two NaN for the same.
  const equal = values.filter((value) => !Number.isNaN(value));
  return new Set(equal).size === equal.length;
}
