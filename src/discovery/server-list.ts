import type { Logger } from "../logger/index.ts";
import type { ServerInfo } from "./discovery.ts";
import type { EtcdEntry } from "./etcd-client.ts";
import { decodeRecord } from "./record.ts";

const mostIgnored = 1_000;

/** The records under a prefix, as servers. */
export class ServerList {
  readonly #records = new Map<string, ServerInfo>();
  readonly #ignored = new Set<string>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  replace(entries: readonly EtcdEntry[]): void {
    this.#records.clear();
    for (const entry of entries) this.put(entry);
  }

  put({ key, value }: EtcdEntry): void {
    const record = decodeRecord(value);
    if (record && key.endsWith(`/${record.id}`)) this.#records.set(key, record);
    else {
      this.#records.delete(key);
      this.#ignore(key);
    }
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  /** Records of another incarnation under an id: who had it before, or has taken it. */
  others({ id, incarnation }: ServerInfo): { readonly key: string; readonly incarnation: bigint }[] {
    return [...this.#records]
      .filter(([, record]) => record.id === id && record.incarnation !== incarnation)
      .map(([key, record]) => ({ key, incarnation: record.incarnation }));
  }

  /** Whether every one of the keys holds this incarnation's record. */
  holds(keys: readonly string[], incarnation: bigint): boolean {
    return keys.every((key) => this.#records.get(key)?.incarnation === incarnation);
  }

  /** A server of two types has two records: the later of an incarnation stands for both. */
  servers(): ServerInfo[] {
    const servers = new Map<bigint, ServerInfo>();
    for (const record of this.#records.values()) servers.set(record.incarnation, record);
    return [...servers.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  // Once a key, and not for ever: a stranger's values must not fill the log.
  #ignore(key: string): void {
    if (this.#ignored.size >= mostIgnored || this.#ignored.has(key)) return;
    this.#ignored.add(key);
    this.#log.warn({ key }, "a value in etcd is no record of a server");
  }
}
