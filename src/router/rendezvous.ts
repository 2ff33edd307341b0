/**
 * Which of some servers a key leads to: the one whose id hashes highest with it (rendezvous hashing over MurmurHash3-32 of
 * the id, seeded with that of the key). A server that comes or goes moves only the keys that it gains or loses.
 */
export function rendezvous<S extends { readonly id: string }>(key: string, servers: readonly S[]): S | undefined {
  const keyHash = murmur(key, 0);
  let best: S | undefined;
  let bestScore = -1;
  for (const server of servers) {
    const score = murmur(server.id, keyHash);
    if (score > bestScore || (score === bestScore && best !== undefined && server.id < best.id)) {
      best = server;
      bestScore = score;
    }
  }
  return best;
}

/** MurmurHash3 (32 bit), each UTF-16 code unit as one block. */
function murmur(text: string, seed: number): number {
  let hash = seed | 0;
  for (let at = 0; at < text.length; at++) {
    let block = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
