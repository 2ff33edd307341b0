interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

const slots = 1_024;

/**
 * Gives the text of a route by its bytes. Routes come again and again: one that was seen is the same string each time, so that nobody
 * builds it anew, and whoever looks it up in a map finds its hash done. It holds 1,024 of them, whatever comes.
 */
export class RouteTexts {
  readonly #known: (Known | undefined)[] = new Array(slots).fill(undefined);
  // Most often the next one is the same.
  #last: Known | undefined;

  /** @param read Builds the text of bytes that were not seen before. */
  find(buffer: Uint8Array, from: number, to: number, read: (buffer: Uint8Array, from: number, to: number) => string): string {
    const last = this.#last;
    if (last && same(last.bytes, buffer, from, to)) return last.text;
    let hash = 0;
    for (let at = from; at < to; at++) hash = (Math.imul(hash, 31) + (buffer[at] ?? 0)) | 0;
    const slot = (hash ^ (hash >>> 16)) & (slots - 1);
    const known = this.#known[slot];
    const seen = known && same(known.bytes, buffer, from, to);
    const found = seen ? known : { bytes: buffer.slice(from, to), text: read(buffer, from, to) };
    this.#known[slot] = found;
    this.#last = found;
    return found.text;
  }
}

function same(bytes: Uint8Array, buffer: Uint8Array, from: number, to: number): boolean {
  if (bytes.length !== to - from) return false;
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== buffer[from + at]) return false;
  return true;
}
