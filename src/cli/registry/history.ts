import type { Event } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";

/** What one version of a key takes in memory beside key and value, about: many small ones are bounded as well. */
export const versionBytes = 200;

/** One change. */
export interface Change {
  readonly key: string;
  readonly event: Event;
}

interface Entry {
  readonly changes: readonly Change[];
  readonly bytes: number;
}

/** What changed at each revision, from one on. Every revision is there: there is none without a change. */
export class History {
  #entries: Entry[] = [];
  #first: bigint;
  #bytes = 0;

  /** @param first The revision that is to come first. */
  constructor(first: bigint) {
    this.#first = first;
  }

  get length(): number {
    return this.#entries.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(changes: readonly Change[]): void {
    let bytes = 0;
    for (const { event } of changes) bytes += bytesOf(event.kv) + bytesOf(event.prevKv);
    this.#entries.push({ changes, bytes });
    this.#bytes += bytes;
  }

  /** What changed at a revision that is kept. */
  at(revision: bigint): readonly Change[] {
    return this.#entries[Number(revision - this.#first)]?.changes ?? [];
  }

  /** The keys that changed up to a revision; what changed before it is forgotten. */
  compact(revision: bigint): ReadonlySet<string> {
    const older = this.#entries.splice(0, Math.max(0, Number(revision - this.#first)));
    this.#first += BigInt(older.length);
    for (const { bytes } of older) this.#bytes -= bytes;
    const changes = [...older.flatMap((entry) => entry.changes), ...this.at(revision)];
    return new Set(changes.map(({ key }) => key));
  }

  /** The revision before which as much lies as after it. */
  get middle(): bigint {
    let at = 0;
    for (let [count, bytes] = [0, 0]; at < this.#entries.length; at++) {
      if (++count > this.length / 2 || bytes > this.bytes / 2) break;
      bytes += this.#entries[at]?.bytes ?? 0;
    }
    return this.#first + BigInt(at);
  }
}

function bytesOf(kv: Event["kv"]): number {
  return kv ? kv.key.length + kv.value.length + versionBytes : 0;
}
