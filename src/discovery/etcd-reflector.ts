import type { DiscoveryHost } from "./discovery.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { ServerList } from "./server-list.ts";

interface EtcdReflectorOptions {
  readonly client: EtcdClient;
  readonly prefix: string;
  readonly host: DiscoveryHost;
  /** The list is another. */
  changed(): void;
  /** The list may not be true any more: list again. */
  broken(): void;
}

const relistMs = 60_000;

/** The servers under a prefix of etcd: a list, and a watch from its revision on; all of it anew after a break, and every 60 s in case the watch lost something. */
export class EtcdReflector {
  readonly list: ServerList;
  readonly #options: EtcdReflectorOptions;
  #watch: { stop(): void } | undefined;
  #listedAtMs = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: EtcdReflectorOptions) {
    this.#options = options;
    this.list = new ServerList(options.prefix, options.host);
  }

  /** Changes may have been missed. */
  get isDoubtful(): boolean {
    return this.#listedAtMs === Number.NEGATIVE_INFINITY;
  }

  get isDue(): boolean {
    return !this.#stopped && this.#options.host.clock.now() - this.#listedAtMs >= relistMs;
  }

  doubt(): void {
    this.#listedAtMs = Number.NEGATIVE_INFINITY;
  }

  async relist(): Promise<void> {
    const { client, prefix, host, changed, broken } = this.#options;
    this.#watch?.stop();
    this.#watch = undefined;
    const { entries, revision } = await client.list(prefix);
    if (this.#stopped) return;
    this.list.replace(entries);
    this.#listedAtMs = host.clock.now();
    this.#watch = client.watch(prefix, revision, {
      put: (entry) => {
        this.list.put(entry);
        changed();
      },
      deleted: (key) => {
        this.list.delete(key);
        changed();
      },
      broken: (why) => {
        host.log.info({ why }, "the watch of etcd broke: listing again");
        this.doubt();
        broken();
      },
    });
    changed();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.stop();
  }
}
