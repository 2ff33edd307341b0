import type { RecordRefusal } from "../metrics/index.ts";
import type { DiscoveryHost, ServerInfo } from "./discovery.ts";
import type { EtcdEntry } from "./etcd-client.ts";
import { decodeRecord, maxRecordBytes } from "./record.ts";

const mostIgnored = 1_000;

/** The records under a prefix, as servers. */
export class ServerList {
  readonly #records = new Map<string, ServerInfo>();
  /** Keys of servers that hold something else now: what they held stands until the server writes it again, or everything is listed anew. */
  readonly #overwritten = new Set<string>();
  readonly #ignored = new Set<string>();
  readonly #prefix: string;
  readonly #host: Pick<DiscoveryHost, "log" | "seal">;

  /** @param prefix As "/nano/servers/". */
  constructor(prefix: string, host: Pick<DiscoveryHost, "log" | "seal">) {
    this.#prefix = prefix;
    this.#host = host;
  }

  replace(entries: readonly EtcdEntry[]): void {
    this.#records.clear();
    this.#overwritten.clear();
    for (const entry of entries) this.put(entry);
  }

  put({ key, value }: EtcdEntry): void {
    const read = this.#read(key, value);
    if (typeof read === "string") {
      if (this.#records.has(key)) this.#overwritten.add(key);
      return this.#refuse(key, read);
    }
    this.#records.set(key, read);
    this.#overwritten.delete(key);
  }

  delete(key: string): void {
    this.#records.delete(key);
    this.#overwritten.delete(key);
  }

  /** Records of another incarnation under an id: who had it before, or has taken it. */
  others({ id, incarnation }: ServerInfo): { readonly key: string; readonly incarnation: bigint }[] {
    return [...this.#records]
      .filter(([, record]) => record.id === id && record.incarnation !== incarnation)
      .map(([key, record]) => ({ key, incarnation: record.incarnation }));
  }

  /** Whether every one of the keys holds this incarnation's record. */
  holds(keys: readonly string[], incarnation: bigint): boolean {
    return keys.every((key) => !this.#overwritten.has(key) && this.#records.get(key)?.incarnation === incarnation);
  }

  /** A server of two types has two records: the later of an incarnation stands for both. */
  servers(): ServerInfo[] {
    const servers = new Map<bigint, ServerInfo>();
    for (const record of this.#records.values()) servers.set(record.incarnation, record);
    return [...servers.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  #read(key: string, value: string): ServerInfo | RecordRefusal {
    if (value.length > maxRecordBytes) return "format";
    const opened = this.#host.seal.open(key, value);
    if ("refused" in opened) return opened.refused;
    const record = decodeRecord(opened.json);
    if (!record) return "format";
    return key === `${this.#prefix}${record.type}/${record.server.id}` ? record.server : "place";
  }

  #refuse(key: string, why: RecordRefusal): void {
    this.#host.seal.refused(why);
    // Once a key, and not for ever: a stranger's values must not fill the log.
    if (this.#ignored.size >= mostIgnored || this.#ignored.has(key)) return;
    this.#ignored.add(key);
    this.#host.log.warn({ key, why }, "a value in etcd is no record of a server of this cluster");
  }
}
