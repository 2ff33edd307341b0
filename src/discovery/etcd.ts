import { sleep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Discovery, DiscoveryEvents, DiscoveryHost, Membership, ServerInfo } from "./discovery.ts";
import { createEtcdClient, type EtcdClient } from "./etcd-client.ts";
import { encodeRecord } from "./record.ts";
import { ServerList } from "./server-list.ts";

/** How etcd is reached. */
export interface EtcdOptions {
  /** As "10.0.0.1:2379". */
  readonly endpoints: readonly string[];
  /** Clusters of two prefixes do not meet. The default is "/nano". */
  readonly prefix?: string;
  readonly username?: string;
  readonly password?: string;
  /** PEM texts. The default is no TLS. */
  readonly tls?: { readonly ca: string; readonly cert?: string; readonly key?: string };
  /** After how long a server that says nothing is gone; whole seconds. The default is 10,000. */
  readonly leaseMs?: number;
  /** How long one call to etcd may take. The default is 3,000. */
  readonly callTimeoutMs?: number;
}

const joinTimeoutMs = 10_000;
const relistMs = 60_000;
const leastBackoffMs = 100;
const mostBackoffMs = 2_000;

/** Discovery through etcd. While it is away the cluster goes on with what it knows. */
export function etcd(options: EtcdOptions): Discovery {
  if (options.endpoints.length === 0) throw new TypeError("etcd needs an endpoint, as 127.0.0.1:2379");
  return {
    name: "etcd",
    async join(self, schema, events, host) {
      // Too large a record is refused here, not in the background.
      for (const type of self.types) encodeRecord(self, type);
      const client = await createEtcdClient(options, host.clock);
      const membership = new EtcdMembership(client, options, self, schema, events, host);
      try {
        await membership.begin();
      } catch (reason) {
        await membership.leave();
        throw reason;
      }
      return membership;
    },
  };
}

/** One server's records under its own lease, and everyone's list. */
class EtcdMembership implements Membership {
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #leaseMs: number;
  readonly #schema: Uint8Array | undefined;
  readonly #events: DiscoveryEvents;
  readonly #host: DiscoveryHost;
  readonly #list: ServerList;
  readonly #stop = new AbortController();
  #self: ServerInfo;
  #lease: string | undefined;
  #aliveAtMs = 0;
  #listedAtMs = 0;
  #watch: { stop(): void } | undefined;
  #available = true;
  #told = "";
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(
    client: EtcdClient,
    options: EtcdOptions,
    self: ServerInfo,
    schema: Uint8Array | undefined,
    events: DiscoveryEvents,
    host: DiscoveryHost,
  ) {
    this.#client = client;
    this.#prefix = options.prefix ?? "/nano";
    this.#leaseMs = options.leaseMs ?? 10_000;
    this.#self = self;
    this.#schema = schema;
    this.#events = events;
    this.#host = host;
    const ignored = new Set<string>();
    this.#list = new ServerList((key) => {
      // Once a key: a stranger's value must not fill the log.
      if (ignored.size < 1_000 && !ignored.has(key)) host.log.warn({ key }, "a value in etcd is no record of a server");
      ignored.add(key);
    });
  }

  /** Registers and lists, trying for 10 s; then keeps both up. */
  async begin(): Promise<void> {
    const { clock } = this.#host;
    const untilMs = clock.now() + joinTimeoutMs;
    for (let tries = 0; ; tries++) {
      try {
        await this.#register();
        await this.#relist();
        break;
      } catch (reason) {
        if (clock.now() >= untilMs || this.#stop.signal.aborted) {
          const { message } = NanoError.from(reason);
          throw new NanoError({ code: "unavailable", message: `discovery is out of reach: ${message}`, cause: reason });
        }
        await sleep(clock, this.#backoffMs(tries));
      }
    }
    this.#loop = this.#keepUp();
  }

  async update(self: ServerInfo): Promise<void> {
    this.#self = self;
    // Without a lease the next registration writes it.
    if (this.#lease !== undefined) await this.#client.put(this.#entries(), this.#lease);
  }

  async schema(hash: string): Promise<Uint8Array | undefined> {
    const key = `${this.#prefix}/schemas/${hash}`;
    for (let tries = 0; ; tries++) {
      try {
        return await this.#client.get(key);
      } catch (reason) {
        if (tries >= 3) throw reason;
        await sleep(this.#host.clock, this.#backoffMs(tries));
      }
    }
  }

  async leave(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#wake.abort();
    this.#watch?.stop();
    await this.#loop;
    try {
      if (this.#lease !== undefined) await this.#client.revoke(this.#lease);
    } catch (reason) {
      this.#host.log.warn({ err: reason }, "the record stays until its lease is over");
    }
    this.#client.close();
  }

  async #register(): Promise<void> {
    const startedAtMs = this.#host.clock.now();
    const { schema } = this.#self;
    if (this.#schema && schema !== "") await this.#client.putOnce(`${this.#prefix}/schemas/${schema}`, this.#schema);
    const lease = await this.#client.grant(Math.ceil(this.#leaseMs / 1_000));
    await this.#client.put(this.#entries(), lease);
    this.#lease = lease;
    this.#aliveAtMs = startedAtMs;
    this.#listedAtMs = Number.NEGATIVE_INFINITY;
  }

  #entries(): { key: string; value: string }[] {
    const self = this.#self;
    return self.types.map((type) => ({ key: `${this.#prefix}/servers/${type}/${self.id}`, value: encodeRecord(self, type) }));
  }

  async #relist(): Promise<void> {
    this.#watch?.stop();
    this.#watch = undefined;
    const prefix = `${this.#prefix}/servers/`;
    const { entries, revision } = await this.#client.list(prefix);
    if (this.#stop.signal.aborted) return;
    this.#list.replace(entries);
    this.#listedAtMs = this.#host.clock.now();
    this.#watch = this.#client.watch(prefix, revision, {
      put: (entry) => {
        this.#list.put(entry);
        this.#tell();
      },
      deleted: (key) => {
        this.#list.delete(key);
        this.#tell();
      },
      broken: (why) => {
        this.#host.log.info({ why }, "the watch of etcd broke: listing again");
        this.#listedAtMs = Number.NEGATIVE_INFINITY;
        this.#wake.abort();
      },
    });
    this.#tell();
  }

  #tell(): void {
    if (this.#stop.signal.aborted) return;
    const servers = this.#list.servers();
    const other = servers.find((server) => server.id === this.#self.id && server.incarnation !== this.#self.incarnation);
    if (other) {
      // It has taken the id: writing on would be a fight.
      this.#stop.abort();
      this.#wake.abort();
      this.#watch?.stop();
      this.#events.fenced(other.incarnation);
      return;
    }
    const told = servers.map((server) => encodeRecord(server, server.types[0] ?? "")).join("\n");
    if (told === this.#told) return;
    this.#told = told;
    this.#events.changed(servers);
  }

  /** Keeps the lease alive and the list true, until the end. One step at a time, so that nothing spins. */
  async #keepUp(): Promise<void> {
    const { clock } = this.#host;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      await this.#rest(failures === 0 ? this.#leaseMs / 3 : this.#backoffMs(failures));
      if (signal.aborted) return;
      try {
        await this.#step();
        failures = 0;
        this.#setAvailable(true);
      } catch (reason) {
        failures++;
        // Whatever changed meanwhile was missed.
        this.#listedAtMs = Number.NEGATIVE_INFINITY;
        const silentMs = clock.now() - this.#aliveAtMs;
        if (silentMs >= this.#leaseMs * 0.8) this.#setAvailable(false);
        if (silentMs >= this.#leaseMs) this.#lease = undefined;
        this.#host.log.debug({ err: reason, failures }, "etcd is out of reach");
      }
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#host;
    const startedAtMs = clock.now();
    if (this.#lease !== undefined && (await this.#client.keepAlive(this.#lease))) this.#aliveAtMs = startedAtMs;
    else await this.#register();
    if (!this.#stop.signal.aborted && clock.now() - this.#listedAtMs >= relistMs) await this.#relist();
  }

  async #rest(delayMs: number): Promise<void> {
    this.#wake = new AbortController();
    if (this.#stop.signal.aborted) return;
    // A watch that broke meanwhile waits no longer than a failure would.
    const due = this.#listedAtMs === Number.NEGATIVE_INFINITY ? Math.min(delayMs, mostBackoffMs) : delayMs;
    await sleep(this.#host.clock, due, this.#wake.signal).catch(() => {});
    // Broken over and over must not mean asking over and over.
    if (this.#wake.signal.aborted && !this.#stop.signal.aborted)
      await sleep(this.#host.clock, leastBackoffMs, this.#stop.signal).catch(() => {});
  }

  #backoffMs(failures: number): number {
    const most = Math.min(mostBackoffMs, leastBackoffMs * 2 ** Math.min(failures, 10));
    return leastBackoffMs / 2 + this.#host.random.next() * most;
  }

  #setAvailable(available: boolean): void {
    if (this.#available === available) return;
    this.#available = available;
    this.#events.available(available);
  }
}
