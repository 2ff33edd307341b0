import { NanoError } from "../error/index.ts";
import type { DiscoveryHost, ServerInfo } from "./discovery.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { LatestWrite } from "./latest-write.ts";
import { encodeRecord } from "./record.ts";
import type { ServerList } from "./server-list.ts";

/** What a server's records stand on. */
export interface EtcdRegistrationOptions {
  readonly client: EtcdClient;
  readonly prefix: string;
  readonly leaseMs: number;
  readonly schema: Uint8Array | undefined;
  readonly host: DiscoveryHost;
  /** All servers that are known: registering lists them anew. */
  readonly list: ServerList;
  /** Nothing is written any more. */
  readonly stop: AbortSignal;
  /** Told who else has the id: true where this server has to go. */
  fencedBy(others: readonly { readonly incarnation: bigint }[]): boolean;
  /** The lease is of no use any more: register again, soon. */
  lost(): void;
}

/** One server's records in etcd: one for each of its types, under one lease. */
export class EtcdRegistration {
  /** What the records have to say. */
  self: ServerInfo;
  readonly #options: EtcdRegistrationOptions;
  readonly #write = new LatestWrite(() => this.#writeNow());
  #registered = false;
  #lease: string | undefined;
  /** What etcd was given. */
  #written: ServerInfo | undefined;

  constructor(options: EtcdRegistrationOptions, self: ServerInfo) {
    this.#options = options;
    this.self = self;
  }

  /** Whether the records were ever there. */
  get wasThere(): boolean {
    return this.#registered;
  }

  /** Whether they are there, and say what they should, as far as anybody knows. */
  get holds(): boolean {
    return this.#lease !== undefined && this.self === this.#written;
  }

  get keys(): readonly string[] {
    return this.self.types.map((type) => this.#key(type));
  }

  /** Registers under a new lease. Gives since when that lives; undefined where another has the id, or nothing is written any more. */
  async register(): Promise<number | undefined> {
    const self = this.self;
    const { client, prefix, leaseMs, schema, host, list, stop, fencedBy } = this.#options;
    if (schema && self.schema !== "") await client.putOnce(`${prefix}/schemas/${self.schema}`, schema);
    const grantedAtMs = host.clock.now();
    const lease = await client.grant(Math.ceil(leaseMs / 1_000));
    const { entries: listed, revision } = await client.list(`${prefix}/servers/`);
    list.replace(listed);
    const others = list.others(self);
    // Whoever starts takes the id; whoever comes back to find it taken does not take it again.
    if (this.#registered && fencedBy(others)) return undefined;
    const entries = this.#entries(self);
    const deleted = others.map(({ key }) => key).filter((key) => !entries.some((entry) => entry.key === key));
    if (stop.aborted) return undefined;
    if (!(await client.put({ entries, lease, deleted }, { unchangedSince: revision })))
      throw new NanoError({ code: "aborted", message: `another server of the id ${self.id} registers at the same time` });
    this.#registered = true;
    this.#lease = lease;
    this.#written = self;
    return grantedAtMs;
  }

  /** Writes what is newest, where that is not there yet. */
  write(): Promise<void> {
    return this.#write.run();
  }

  async #writeNow(): Promise<void> {
    const self = this.self;
    const lease = this.#lease;
    const { client, stop } = this.#options;
    // Without a lease the next registration writes it.
    if (lease === undefined || self === this.#written || stop.aborted) return;
    if (await client.put({ entries: this.#entries(self), lease }, "under the lease")) this.#written = self;
    // The lease may be lost, or the id another's by now: registering anew finds out.
    else if (this.#lease === lease) this.lose();
  }

  /** Keeps the lease alive; false where there is none to keep. */
  async keepAlive(): Promise<boolean> {
    return this.#lease !== undefined && (await this.#options.client.keepAlive(this.#lease));
  }

  /** The lease is over, whatever etcd knows. */
  expire(): void {
    this.#lease = undefined;
  }

  /** Somebody has taken the records away, or their lease is over. */
  lose(): void {
    this.expire();
    this.#options.lost();
  }

  /** Takes the records away. */
  async revoke(): Promise<void> {
    if (this.#lease !== undefined) await this.#options.client.revoke(this.#lease);
  }

  #key(type: string): string {
    return `${this.#options.prefix}/servers/${type}/${this.self.id}`;
  }

  #entries(self: ServerInfo): { key: string; value: string }[] {
    return self.types.map((type) => {
      const key = this.#key(type);
      return { key, value: this.#options.host.seal.sign(key, encodeRecord(self, type)) };
    });
  }
}
