import type { ServerInfo } from "./discovery.ts";
import type { EtcdEntry } from "./etcd-client.ts";
import { decodeRecord } from "./record.ts";

/** The records under a prefix, as servers. */
export class ServerList {
  readonly #records = new Map<string, ServerInfo>();
  readonly #ignored: (key: string) => void;

  /** @param ignored A value is no record. */
  constructor(ignored: (key: string) => void) {
    this.#ignored = ignored;
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
      this.#ignored(key);
    }
  }

  delete(key: string): void {
    this.#records.delete(key);
  }

  /** A server of two types has two records: the later of an incarnation stands for both. */
  servers(): ServerInfo[] {
    const servers = new Map<bigint, ServerInfo>();
    for (const record of this.#records.values()) servers.set(record.incarnation, record);
    return [...servers.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }
}
