const most = Number.MAX_SAFE_INTEGER;

/** What the heartbeat of a nano client, or to one, carries: how many Data packets were read, in base 128, least significant first. */
export function encodeCount(count: number): Uint8Array {
  const bytes: number[] = [];
  let rest = count;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Reads a heartbeat's body, which stands in `buffer` from `from` up to `to`. Undefined where it is no count. */
export function decodeCount(buffer: Uint8Array, from: number, to: number): number | undefined {
  let count = 0;
  let factor = 1;
  for (let at = from; at < to; at++) {
    const byte = buffer[at] ?? 0;
    count += (byte & 0x7f) * factor;
    if (count > most) return undefined;
    if (byte < 0x80) return at === to - 1 ? count : undefined;
    factor *= 128;
  }
  return undefined;
}
