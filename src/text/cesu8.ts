// The browser clients of pomelo write a character beyond the first 65,536 as two surrogates of three bytes each (CESU-8): ED A0..AF xx
// ED B0..BF xx. A UTF-8 decoder sees six wrong bytes (clients.md, rule 11).

/** Turns surrogates of CESU-8 into the four bytes of UTF-8. Bytes without any are given back as they are. */
export function fromCesu8(bytes: Uint8Array): Uint8Array {
  let at = nextPair(bytes, 0);
  if (at < 0) return bytes;
  const out = new Uint8Array(bytes.length);
  let length = 0;
  let from = 0;
  for (; at >= 0; at = nextPair(bytes, from)) {
    out.set(bytes.subarray(from, at), length);
    length += at - from;
    const high = ((bytes[at + 1] ?? 0) & 0x0f) * 64 + ((bytes[at + 2] ?? 0) & 0x3f);
    const low = ((bytes[at + 4] ?? 0) & 0x0f) * 64 + ((bytes[at + 5] ?? 0) & 0x3f);
    const point = 0x1_0000 + high * 1_024 + low;
    out[length++] = 0xf0 | (point >> 18);
    out[length++] = 0x80 | ((point >> 12) & 0x3f);
    out[length++] = 0x80 | ((point >> 6) & 0x3f);
    out[length++] = 0x80 | (point & 0x3f);
    from = at + 6;
  }
  out.set(bytes.subarray(from), length);
  return out.subarray(0, length + bytes.length - from);
}

function nextPair(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xed, from); at >= 0; at = bytes.indexOf(0xed, at + 1)) {
    if (isSurrogate(bytes, at, 0xa0) && isSurrogate(bytes, at + 3, 0xb0)) return at;
  }
  return -1;
}

function isSurrogate(bytes: Uint8Array, at: number, second: number): boolean {
  return bytes[at] === 0xed && ((bytes[at + 1] ?? 0) & 0xf0) === second && ((bytes[at + 2] ?? 0) & 0xc0) === 0x80;
}
