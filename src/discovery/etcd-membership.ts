import { sleep, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { DiscoveryEvents, DiscoveryHost, Membership, ServerInfo } from "./discovery.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { inFull, isFinal } from "./etcd-error.ts";
import { EtcdReflector } from "./etcd-reflector.ts";
import { EtcdRegistration } from "./etcd-registration.ts";
import { createEtcdStore } from "./etcd-store.ts";
import { LateServers } from "./late-servers.ts";
import { LeaseLife } from "./lease-life.ts";
import { mustFit } from "./record.ts";
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

const leastBackoffMs = 100;
// With the second that a connection may wait at most until it is tried again: within 3 s of etcd's return everything is as it was.
const mostBackoffMs = 1_500;

/** One server's records and everyone's list, kept up for as long as it is there. */
export class EtcdMembership implements Membership {
  readonly store: Store;
  readonly leaseMs: number;
  readonly #options: EtcdMembershipOptions;
  readonly #client: EtcdClient;
  readonly #events: DiscoveryEvents;
  readonly #host: DiscoveryHost;
  readonly #servers: EtcdReflector;
  readonly #registration: EtcdRegistration;
  readonly #life: LeaseLife;
  readonly #late: LateServers;
  readonly #stop = new AbortController();
  #available = true;
  #told = "";
  #wake = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #left = false;

  constructor(options: EtcdMembershipOptions, self: ServerInfo) {
    this.#options = options;
    this.#client = options.client;
    this.store = createEtcdStore(options.client, options.prefix);
    this.leaseMs = options.leaseMs;
    this.#events = options.events;
    this.#host = options.host;
    this.#life = new LeaseLife(options.host.clock, options.leaseMs, () => this.#setAvailable(false));
    this.#late = new LateServers(options.host.clock, () => this.#tell());
    this.#servers = new EtcdReflector({
      client: options.client,
      prefix: `${options.prefix}/servers/`,
      host: options.host,
      changed: () => this.#tell(),
      broken: () => this.#wake.abort(),
    });
    const { client, prefix, leaseMs, schema, host } = options;
    this.#registration = new EtcdRegistration(
      {
        ...{ client, prefix, leaseMs, schema, host, list: this.#servers.list, stop: this.#stop.signal },
        fencedBy: (others) => this.#fencedBy(others),
        lost: () => this.#wake.abort(),
      },
      self,
    );
  }

  /** Registers and lists, trying for so long; then keeps both up. */
  async begin(timeoutMs: number): Promise<void> {
    const { clock } = this.#host;
    let failure: unknown = new Error("it does not answer");
    const begun = this.#enter((reason) => {
      failure = reason;
    });
    this.#loop = begun.then(
      () => this.#keepUp(),
      () => {},
    );
    await within(clock, timeoutMs, begun, () => {
      throw new NanoError({ code: "unavailable", message: `nothing came of it within ${timeoutMs} ms`, cause: failure });
    });
  }

  async update(self: ServerInfo): Promise<void> {
    mustFit(self);
    this.#registration.self = self;
    try {
      await this.#registration.write();
    } catch (reason) {
      // The others have to hear of it all the same, as soon as they can.
      this.#wake.abort();
      throw reason;
    }
  }

  async schema(hash: string): Promise<Uint8Array | undefined> {
    const key = `${this.#options.prefix}/schemas/${hash}`;
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
    const gone = this.#loop.then(() => this.#registration.revoke());
    try {
      await within(host.clock, callTimeoutMs, gone, () => {
        throw new NanoError({ code: "deadline_exceeded", message: `etcd did not answer within ${callTimeoutMs} ms` });
      });
    } catch (reason) {
      host.log.warn({ err: reason }, "the record stays until its lease is over");
    }
    this.#client.close();
  }

  /** Resolves when it is in, or has been told to leave. Rejects where trying on is of no use. */
  async #enter(failed: (reason: unknown) => void): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; tries++) {
      try {
        await this.#register();
        await this.#servers.relist();
        return;
      } catch (reason) {
        if (isFinal(NanoError.from(reason))) throw reason;
        failed(reason);
        await sleep(this.#host.clock, this.#backoffMs(tries), this.#stop.signal).catch(() => {});
      }
    }
  }

  async #register(): Promise<void> {
    this.#doubtIfForgotten();
    const aliveAtMs = await this.#registration.register();
    if (aliveAtMs === undefined) return;
    this.#life.heard(aliveAtMs);
    this.#servers.doubt();
    await this.#registration.write();
  }

  /** A registry that has lost this server may have lost the others, too: they are as late as it is. */
  #doubtIfForgotten(): void {
    if (this.#registration.wasThere) this.#late.doubt();
  }

  #tell(): void {
    if (this.#stop.signal.aborted) return;
    const { self, keys } = this.#registration;
    if (this.#fencedBy(this.#servers.list.others(self))) return;
    // Somebody has taken the record away, or its lease is over.
    if (!this.#servers.list.holds(keys, self.incarnation)) {
      this.#doubtIfForgotten();
      this.#registration.lose();
    }
    const servers = this.#late.with(this.#servers.list.servers());
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
    this.#servers.stop();
    this.#late.stop();
    this.#life.stop();
  }

  /** Keeps the lease alive and the list true, until the end. One step at a time, so that nothing spins. */
  async #keepUp(): Promise<void> {
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      await this.#rest(failures === 0 ? Math.max(leastBackoffMs, this.#life.dueInMs) : this.#backoffMs(failures));
      if (signal.aborted) return;
      try {
        await this.#step();
        failures = 0;
        this.#late.trust();
        // One that took most of the lease says nothing: the next one, at once, does.
        if (this.#life.isCertain) this.#setAvailable(true);
      } catch (reason) {
        failures++;
        // Whatever changed meanwhile was missed.
        this.#servers.doubt();
        this.#late.doubt();
        if (this.#life.isOver) this.#registration.expire();
        // Over and over, as long as it lasts: a line, and no stack.
        this.#host.log.debug({ why: inFull(reason), failures }, "etcd is out of reach");
      }
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#host;
    const startedAtMs = clock.now();
    if (await this.#registration.keepAlive()) this.#life.heard(startedAtMs);
    else await this.#register();
    await this.#registration.write();
    if (this.#servers.isDue) await this.#servers.relist();
  }

  async #rest(delayMs: number): Promise<void> {
    this.#wake = new AbortController();
    if (this.#stop.signal.aborted) return;
    // A watch that broke, a lease that was lost or a write that failed meanwhile waits no longer than a failure would.
    const isUrgent = this.#servers.isDoubtful || !this.#registration.holds;
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
    if (!available) this.#late.doubt();
    if (this.#stop.signal.aborted) return;
    this.#events.available(available);
  }
}
