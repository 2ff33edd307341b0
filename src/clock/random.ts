/** Chance, as everything here sees it. A test hands in one with a seed. */
export interface Random {
  /** From 0 up to, never at, 1. */
  next(): number;
  /** Bytes that cannot be guessed (or, from a seed, repeated at will). */
  bytes(length: number): Uint8Array;
}

/** The machine's own. Safe in browsers. */
export const systemRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** The same for the same seed (mulberry32). For tests; its bytes are no secret. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
  };
}

/** Bytes as lower-case hex. */
export function toHex(bytes: Uint8Array): string {
  // Joined at once: a text that is added to piece by piece keeps all its pieces.
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
