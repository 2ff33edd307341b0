import { create } from "@bufbuild/protobuf";
import { type Event_EventType, EventSchema, type KeyValue, KeyValueSchema } from "../../../gen/etcd/api/mvccpb/kv_pb.ts";
import { refusal } from "./etcd-refusal.ts";
import { type Change, History, versionBytes } from "./history.ts";
import { type KeyRange, keyText } from "./key-range.ts";
import type { RegistryLimits } from "./registry-limits.ts";
import { SortedKeys } from "./sorted-keys.ts";

/** What is there, as it was at some revision. */
export interface View {
  readonly revision: bigint;
  /** What lies in a range, in the order of keys. @param revision Up to 0 the view's own. */
  find(range: KeyRange, revision?: bigint): readonly KeyValue[];
}

/** Changes of one revision. It sees what it has changed. */
export interface Writer extends View {
  put(key: Uint8Array, value: Uint8Array, lease: bigint): void;
  /** Gives what was there. */
  delete(range: KeyRange): readonly KeyValue[];
}

interface Version {
  readonly revision: bigint;
  /** Undefined: deleted. */
  readonly kv: KeyValue | undefined;
}

const put: Event_EventType = 0;
const deleted: Event_EventType = 1;

/** Keys with their values at every revision since the last compaction, as etcd has them. An empty one is at revision 1. */
export class KeyStore implements View {
  readonly #limits: RegistryLimits;
  readonly #keys = new SortedKeys();
  // Oldest first.
  readonly #versions = new Map<string, Version[]>();
  readonly #leased = new Map<bigint, Set<string>>();
  readonly #listeners = new Set<() => void>();
  #revision = 1n;
  #compacted = -1n;
  #bytes = 0;
  readonly history = new History(2n);

  constructor(limits: RegistryLimits) {
    this.#limits = limits;
  }

  get revision(): bigint {
    return this.#revision;
  }

  /** What was before it is forgotten. */
  get compacted(): bigint {
    return this.#compacted;
  }

  /** Of keys and values in all their versions, and of the versions themselves. */
  get bytes(): number {
    return this.#bytes;
  }

  find(range: KeyRange, revision = 0n): readonly KeyValue[] {
    return this.#find(range, revision, this.#revision);
  }

  /** The keys under a lease, in their order. */
  keysUnder(lease: bigint): readonly string[] {
    return [...(this.#leased.get(lease) ?? [])].sort();
  }

  /** Makes changes, which become one revision when `change` returns. */
  write<T>(change: (writer: Writer) => T): T {
    const revision = this.#revision + 1n;
    const changes: Change[] = [];
    const result = change({
      get revision() {
        return changes.length > 0 ? revision : revision - 1n;
      },
      find: (range, at = 0n) => this.#find(range, at, revision),
      put: (key, value, lease) => void changes.push(this.#put(revision, key, value, lease)),
      delete: (range) => {
        const found = this.#find(range, revision, revision);
        for (const { key } of found) changes.push(this.#delete(revision, key));
        return found;
      },
    });
    if (changes.length === 0) return result;
    this.#revision = revision;
    this.history.append(changes);
    const { historyRevisions, historyBytes } = this.#limits;
    if (this.history.length > historyRevisions || this.history.bytes > historyBytes) this.#compact(this.history.middle);
    for (const listener of this.#listeners) listener();
    return result;
  }

  /** Forgets what was before a revision. */
  compact(revision: bigint): void {
    if (revision <= this.#compacted) throw refusal("compacted");
    if (revision > this.#revision) throw refusal("futureRevision");
    this.#compact(revision);
  }

  /** Calls after each revision. Gives what ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #find(range: KeyRange, revision: bigint, newest: bigint): readonly KeyValue[] {
    if (revision > newest) throw refusal("futureRevision");
    const at = revision > 0n ? revision : newest;
    if (at < this.#compacted) throw refusal("compacted");
    return this.#keys.within(range).flatMap((key) => this.#at(key, at) ?? []);
  }

  #at(key: string, revision: bigint): KeyValue | undefined {
    return this.#versions.get(key)?.findLast((version) => version.revision <= revision)?.kv;
  }

  #put(revision: bigint, key: Uint8Array, value: Uint8Array, lease: bigint): Change {
    const text = keyText(key);
    const before = this.#at(text, revision);
    const kv = create(KeyValueSchema, {
      ...{ key, value, lease, modRevision: revision },
      createRevision: before?.createRevision ?? revision,
      version: (before?.version ?? 0n) + 1n,
    });
    return this.#add(text, { revision, kv }, put, kv);
  }

  #delete(revision: bigint, key: Uint8Array): Change {
    const kv = create(KeyValueSchema, { key, modRevision: revision });
    return this.#add(keyText(key), { revision, kv: undefined }, deleted, kv);
  }

  #add(key: string, version: Version, type: Event_EventType, kv: KeyValue): Change {
    this.#move(key, this.#at(key, version.revision)?.lease, version.kv?.lease);
    let versions = this.#versions.get(key);
    if (!versions) {
      versions = [];
      this.#versions.set(key, versions);
      this.#keys.add(key);
    }
    // Of a transaction that changes a key twice, both see what was before it.
    const prevKv = this.#at(key, version.revision - 1n);
    versions.push(version);
    this.#bytes += bytesOf(key, version);
    return { key, event: create(EventSchema, { type, kv, ...(prevKv ? { prevKv } : {}) }) };
  }

  #move(key: string, from = 0n, to = 0n): void {
    if (from === to) return;
    const former = this.#leased.get(from);
    former?.delete(key);
    if (former?.size === 0) this.#leased.delete(from);
    if (to === 0n) return;
    const keys = this.#leased.get(to) ?? new Set();
    this.#leased.set(to, keys.add(key));
  }

  #compact(revision: bigint): void {
    this.#compacted = revision;
    for (const key of this.history.compact(revision)) {
      const versions = this.#versions.get(key) ?? [];
      const last = versions.findLastIndex((version) => version.revision <= revision);
      // A deletion that nobody can look behind any more is nothing.
      const gone = versions.splice(0, versions[last]?.kv ? last : last + 1);
      for (const version of gone) this.#bytes -= bytesOf(key, version);
      if (versions.length > 0 || !this.#versions.delete(key)) continue;
      this.#keys.delete(key);
    }
  }
}

function bytesOf(key: string, { kv }: Version): number {
  return key.length + (kv?.value.length ?? 0) + versionBytes;
}
