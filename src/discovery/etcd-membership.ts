import { sleep, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { DiscoveryEvents, DiscoveryHost, Membership, ServerInfo } from "./discovery.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { createEtcdStore } from "./etcd-store.ts";
import { encodeRecord } from "./record.ts";
import { ServerList } from "./server-list.ts";
import type { Store } from "./store.ts";

/** What a place in the cluster stands on. */
interface EtcdMembershipOptions {
  readonly client: EtcdClient;
  readonly prefix: string;
  readonly leaseMs: number;
  readonly callTimeoutMs: number;
  readonly schema: Uint8Array | undefined;
  readonly events: DiscoveryEvents;
  readonly host: DiscoveryHost;
}

const relistMs = 60_000;
const leastBackoffMs = 100;
const mostBackoffMs = 2_000;

/** One server's records under its own lease, and everyone's list. */
export class EtcdMembership implements Membership {
  readonly store: Store;
  readonly leaseMs: number;
  readonly #options: EtcdMembershipOptions;
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #events: DiscoveryEvents;
  readonly #host: DiscoveryHost;
  readonly #list: ServerList;
  readonly #stop = new AbortController();
  #self: ServerInfo;
  #registered = false;
  #lease: string | undefined;
  #aliveAtMs = 0;
  #listedAtMs = 0;
  #watch: { stop(): void } | undefined;
  #available = true;
  #told = "";
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #left = false;

  constructor(options: EtcdMembershipOptions, self: ServerInfo) {
    this.#options = options;
    this.#client = options.client;
    this.store = createEtcdStore(options.client, options.prefix);
    this.#prefix = options.prefix;
    this.leaseMs = options.leaseMs;
    this.#events = options.events;
    this.#host = options.host;
    this.#self = self;
    this.#list = new ServerList(options.host.log);
  }

  /** Registers and lists, trying for so long; then keeps both up. */
  async begin(timeoutMs: number): Promise<void> {
    const { clock } = this.#host;
    let failure: unknown = new Error("it does not answer");
    const begun = this.#enter((reason) => {
      failure = reason;
    });
    this.#loop = begun.then(() => this.#keepUp());
    await within(clock, timeoutMs, begun, () => {
      const { message } = NanoError.from(failure);
      throw new NanoError({
        code: "unavailable",
        message: `nothing came of it within ${timeoutMs} ms: ${message}`,
        cause: failure,
      });
    });
  }

  async update(self: ServerInfo): Promise<void> {
    const entries = this.#entries(self);
    this.#self = self;
    // Without a lease the next registration writes it.
    if (this.#lease === undefined || this.#stop.signal.aborted) return;
    // The lease may be lost, or the id another's by now: registering anew finds out.
    if (!(await this.#client.put({ entries, lease: this.#lease }, "under the lease"))) this.#registerSoon();
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
    if (this.#left) return;
    this.#left = true;
    this.#end();
    const { callTimeoutMs, host } = this.#options;
    const gone = this.#loop.then(() => (this.#lease === undefined ? undefined : this.#client.revoke(this.#lease)));
    try {
      await within(host.clock, callTimeoutMs, gone, () => {
        throw new NanoError({ code: "deadline_exceeded", message: `etcd did not answer within ${callTimeoutMs} ms` });
      });
    } catch (reason) {
      host.log.warn({ err: reason }, "the record stays until its lease is over");
    }
    this.#client.close();
  }

  /** Resolves when it is in, or has been told to leave. */
  async #enter(failed: (reason: unknown) => void): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; tries++) {
      try {
        await this.#register();
        await this.#relist();
        return;
      } catch (reason) {
        failed(reason);
        await sleep(this.#host.clock, this.#backoffMs(tries), this.#stop.signal).catch(() => {});
      }
    }
  }

  async #register(): Promise<void> {
    const startedAtMs = this.#host.clock.now();
    const self = this.#self;
    const { schema } = this.#options;
    if (schema && self.schema !== "") await this.#client.putOnce(`${this.#prefix}/schemas/${self.schema}`, schema);
    const lease = await this.#client.grant(Math.ceil(this.leaseMs / 1_000));
    const { entries: listed, revision } = await this.#client.list(`${this.#prefix}/servers/`);
    this.#list.replace(listed);
    const others = this.#list.others(self);
    // Whoever starts takes the id; whoever comes back to find it taken does not take it again.
    if (this.#registered && this.#fencedBy(others)) return;
    const entries = this.#entries(self);
    const deleted = others.map(({ key }) => key).filter((key) => !entries.some((entry) => entry.key === key));
    if (this.#stop.signal.aborted) return;
    if (!(await this.#client.put({ entries, lease, deleted }, { unchangedSince: revision })))
      throw new NanoError({ code: "aborted", message: `another server of the id ${self.id} registers at the same time` });
    this.#registered = true;
    this.#lease = lease;
    this.#aliveAtMs = startedAtMs;
    this.#listedAtMs = Number.NEGATIVE_INFINITY;
    if (this.#self !== self) await this.update(this.#self);
  }

  #registerSoon(): void {
    this.#lease = undefined;
    this.#wake.abort();
  }

  #key(type: string): string {
    return `${this.#prefix}/servers/${type}/${this.#self.id}`;
  }

  #entries(self: ServerInfo): { key: string; value: string }[] {
    return self.types.map((type) => ({ key: this.#key(type), value: encodeRecord(self, type) }));
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
    if (this.#fencedBy(this.#list.others(this.#self))) return;
    // Somebody has taken the record away, or its lease is over.
    if (
      !this.#list.holds(
        this.#self.types.map((type) => this.#key(type)),
        this.#self.incarnation,
      )
    )
      this.#registerSoon();
    const servers = this.#list.servers();
    const told = JSON.stringify(servers, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value));
    if (told === this.#told) return;
    this.#told = told;
    this.#events.changed(servers);
  }

  /** Another has taken the id: writing on would be a fight. */
  #fencedBy([other]: readonly { readonly incarnation: bigint }[]): boolean {
    if (!other || this.#stop.signal.aborted) return false;
    this.#end();
    this.#events.fenced(other.incarnation);
    return true;
  }

  #end(): void {
    this.#stop.abort();
    this.#wake.abort();
    this.#watch?.stop();
  }

  /** Keeps the lease alive and the list true, until the end. One step at a time, so that nothing spins. */
  async #keepUp(): Promise<void> {
    const { clock } = this.#host;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      await this.#rest(failures === 0 ? this.leaseMs / 3 : this.#backoffMs(failures));
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
        if (silentMs >= this.leaseMs * 0.8) this.#setAvailable(false);
        if (silentMs >= this.leaseMs) this.#lease = undefined;
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
    // A watch that broke, or a lease that was lost meanwhile, waits no longer than a failure would.
    const isUrgent = this.#lease === undefined || this.#listedAtMs === Number.NEGATIVE_INFINITY;
    const due = isUrgent ? Math.min(delayMs, mostBackoffMs) : delayMs;
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
