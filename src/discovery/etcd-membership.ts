import { sleep, type Timer, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { DiscoveryEvents, DiscoveryHost, Membership, ServerInfo } from "./discovery.ts";
import type { EtcdClient } from "./etcd-client.ts";
import { inFull, isFinal } from "./etcd-error.ts";
import { EtcdReflector } from "./etcd-reflector.ts";
import { createEtcdStore } from "./etcd-store.ts";
import { LateServers } from "./late-servers.ts";
import { LatestWrite } from "./latest-write.ts";
import { encodeRecord, mustFit } from "./record.ts";
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
// Of the lease, counted from the last sign of life that etcd has answered; etcd counts from when it arrived, which is later.
const fenceShare = 0.8;

/** One server's records under its own lease, and everyone's list. */
export class EtcdMembership implements Membership {
  readonly store: Store;
  readonly leaseMs: number;
  readonly #options: EtcdMembershipOptions;
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #events: DiscoveryEvents;
  readonly #host: DiscoveryHost;
  readonly #servers: EtcdReflector;
  readonly #late: LateServers;
  readonly #write = new LatestWrite(() => this.#writeNow());
  readonly #stop = new AbortController();
  #self: ServerInfo;
  #registered = false;
  #lease: string | undefined;
  #aliveAtMs = 0;
  #silence: Pick<Timer, "cancel"> = { cancel: () => {} };
  /** What etcd was given. */
  #written: ServerInfo | undefined;
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
    this.#late = new LateServers(options.host.clock, () => this.#tell());
    this.#servers = new EtcdReflector({
      client: options.client,
      prefix: `${options.prefix}/servers/`,
      host: options.host,
      changed: () => this.#tell(),
      broken: () => this.#wake.abort(),
    });
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
    this.#self = self;
    try {
      await this.#write.run();
    } catch (reason) {
      // The others have to hear of it all the same, as soon as they can.
      this.#wake.abort();
      throw reason;
    }
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
    const self = this.#self;
    const { schema } = this.#options;
    this.#doubtIfForgotten();
    if (schema && self.schema !== "") await this.#client.putOnce(`${this.#prefix}/schemas/${self.schema}`, schema);
    const grantedAtMs = this.#host.clock.now();
    const lease = await this.#client.grant(Math.ceil(this.leaseMs / 1_000));
    const { entries: listed, revision } = await this.#client.list(`${this.#prefix}/servers/`);
    this.#servers.list.replace(listed);
    const others = this.#servers.list.others(self);
    // Whoever starts takes the id; whoever comes back to find it taken does not take it again.
    if (this.#registered && this.#fencedBy(others)) return;
    const entries = this.#entries(self);
    const deleted = others.map(({ key }) => key).filter((key) => !entries.some((entry) => entry.key === key));
    if (this.#stop.signal.aborted) return;
    if (!(await this.#client.put({ entries, lease, deleted }, { unchangedSince: revision })))
      throw new NanoError({ code: "aborted", message: `another server of the id ${self.id} registers at the same time` });
    this.#registered = true;
    this.#lease = lease;
    this.#written = self;
    this.#heard(grantedAtMs);
    this.#servers.doubt();
    await this.#write.run();
  }

  async #writeNow(): Promise<void> {
    const self = this.#self;
    const lease = this.#lease;
    // Without a lease the next registration writes it.
    if (lease === undefined || self === this.#written || this.#stop.signal.aborted) return;
    if (await this.#client.put({ entries: this.#entries(self), lease }, "under the lease")) this.#written = self;
    // The lease may be lost, or the id another's by now: registering anew finds out.
    else if (this.#lease === lease) this.#registerSoon();
  }

  /** A registry that has lost this server may have lost the others, too: they are as late as it is. */
  #doubtIfForgotten(): void {
    if (this.#registered) this.#late.doubt();
  }

  #registerSoon(): void {
    this.#lease = undefined;
    this.#wake.abort();
  }

  #key(type: string): string {
    return `${this.#prefix}/servers/${type}/${this.#self.id}`;
  }

  #entries(self: ServerInfo): { key: string; value: string }[] {
    return self.types.map((type) => {
      const key = this.#key(type);
      return { key, value: this.#host.seal.sign(key, encodeRecord(self, type)) };
    });
  }

  #tell(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#fencedBy(this.#servers.list.others(this.#self))) return;
    // Somebody has taken the record away, or its lease is over.
    if (
      !this.#servers.list.holds(
        this.#self.types.map((type) => this.#key(type)),
        this.#self.incarnation,
      )
    ) {
      this.#doubtIfForgotten();
      this.#registerSoon();
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
    this.#silence.cancel();
  }

  /** Keeps the lease alive and the list true, until the end. One step at a time, so that nothing spins. */
  async #keepUp(): Promise<void> {
    const { clock } = this.#host;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      // From the last sign of life on: a step that took long has used up some of the lease.
      const keepAliveInMs = this.#aliveAtMs + this.leaseMs / 3 - clock.now();
      await this.#rest(failures === 0 ? Math.max(leastBackoffMs, keepAliveInMs) : this.#backoffMs(failures));
      if (signal.aborted) return;
      try {
        await this.#step();
        failures = 0;
        this.#late.trust();
        // One that took most of the lease says nothing: the next one, at once, does.
        if (clock.now() - this.#aliveAtMs < this.leaseMs * fenceShare) this.#setAvailable(true);
      } catch (reason) {
        failures++;
        // Whatever changed meanwhile was missed.
        this.#servers.doubt();
        this.#late.doubt();
        if (clock.now() - this.#aliveAtMs >= this.leaseMs) this.#lease = undefined;
        // Over and over, as long as it lasts: a line, and no stack.
        this.#host.log.debug({ why: inFull(reason), failures }, "etcd is out of reach");
      }
    }
  }

  async #step(): Promise<void> {
    const { clock } = this.#host;
    const startedAtMs = clock.now();
    if (this.#lease !== undefined && (await this.#client.keepAlive(this.#lease))) this.#heard(startedAtMs);
    else await this.#register();
    await this.#write.run();
    if (this.#servers.isDue) await this.#servers.relist();
  }

  /** The lease was alive at a moment: before etcd can end it, this server says that it is on its own. */
  #heard(atMs: number): void {
    const { clock } = this.#host;
    this.#aliveAtMs = atMs;
    this.#silence.cancel();
    this.#silence = clock.after(Math.max(0, atMs + this.leaseMs * fenceShare - clock.now()), () => this.#setAvailable(false));
  }

  async #rest(delayMs: number): Promise<void> {
    this.#wake = new AbortController();
    if (this.#stop.signal.aborted) return;
    // A watch that broke, a lease that was lost or a write that failed meanwhile waits no longer than a failure would.
    const isUrgent = this.#lease === undefined || this.#servers.isDoubtful || this.#self !== this.#written;
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
