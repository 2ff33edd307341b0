import type { Clock } from "../clock/index.ts";
import type { ByteStream, Listener, Net, StreamEvents } from "./net.ts";

/** A network in one process: byte streams between named hosts, with faults. For tests. */
export interface MemoryNet {
  /** The network as one host sees it. Peers see its name as the remote address. */
  as(host: string): Net;
  /** Loses every byte between two hosts, and lets no new stream through, until healed. Streams that stood stay cut off for what was lost: they break on healing. */
  cut(one: string, other: string): void;
  heal(one: string, other: string): void;
  /** Breaks every stream between two hosts, at once, with an error. */
  reset(one: string, other: string): void;
  /** Everything of a host is gone: its listeners, and its streams with an error. It opens nothing any more. */
  crash(host: string): void;
  /** Bytes and connects that are under way. */
  readonly underway: number;
}

const highWaterBytes = 64 * 1_024;
const firstPort = 20_000;

interface Listening {
  readonly host: string;
  readonly accept: (stream: ByteStream) => StreamEvents;
  paused: boolean;
}

/** @param options.latencyMs How long bytes are under way between two hosts. The default is 0. */
export function createMemoryNet(options: { readonly clock: Clock; readonly latencyMs?: number }): MemoryNet {
  const { clock } = options;
  const listeners = new Map<number, Listening>();
  const pairs = new Set<Pair>();
  const cuts = new Set<string>();
  const crashed = new Set<string>();
  let nextPort = firstPort;
  let underway = 0;

  function later(call: () => void, bothHosts: boolean): void {
    underway++;
    const run = (): void => {
      underway--;
      call();
    };
    if (bothHosts && options.latencyMs) clock.after(options.latencyMs, run);
    else clock.soon(run);
  }

  function listen(host: string, port: number, accept: Listening["accept"]): Listener {
    if (port === 0) while (listeners.has(nextPort)) nextPort++;
    const at = port === 0 ? nextPort++ : port;
    if (listeners.has(at)) throw new Error(`listen EADDRINUSE: port ${at} is taken`);
    const listening: Listening = { host, accept, paused: false };
    listeners.set(at, listening);
    return {
      host: "127.0.0.1",
      port: at,
      pause: () => {
        listening.paused = true;
      },
      resume: () => {
        listening.paused = false;
      },
      close: async () => {
        if (listeners.get(at) === listening) listeners.delete(at);
      },
    };
  }

  function connect(host: string, port: number, events: StreamEvents, signal: AbortSignal): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(signal.reason);
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted, { once: true });
      later(() => {
        const listening = listeners.get(port);
        if (signal.aborted || crashed.has(host)) return;
        if (listening && cuts.has(between(host, listening.host))) return;
        signal.removeEventListener("abort", aborted);
        if (!listening || listening.paused) return reject(new Error(`connect ECONNREFUSED: port ${port}`));
        const pair = new Pair(host, listening.host, later, () => cuts.has(between(host, listening.host)));
        pairs.add(pair);
        pair.closed = () => void pairs.delete(pair);
        pair.near.events = events;
        pair.far.events = listening.accept(pair.far);
        resolve(pair.near);
      }, true);
    });
  }

  return {
    as: (host) => ({
      async listen({ port, proxy }, accept) {
        if (proxy) throw new Error("no proxy stands before a listener in memory");
        return listen(host, port, accept);
      },
      connect: ({ port }, events, signal) => connect(host, port, events, signal),
    }),
    cut: (one, other) => void cuts.add(between(one, other)),
    heal(one, other) {
      cuts.delete(between(one, other));
      for (const pair of [...pairs])
        if (pair.joins(one, other) && pair.lostBytes) pair.break(new Error("read ECONNRESET: bytes were lost"));
    },
    reset(one, other) {
      for (const pair of [...pairs]) if (pair.joins(one, other)) pair.break(new Error("read ECONNRESET"));
    },
    crash(host) {
      crashed.add(host);
      for (const [port, listening] of listeners) if (listening.host === host) listeners.delete(port);
      for (const pair of [...pairs]) if (pair.joins(host, host)) pair.break(new Error("read ECONNRESET"));
    },
    get underway() {
      return underway;
    },
  };
}

function between(one: string, other: string): string {
  return one < other ? `${one}\n${other}` : `${other}\n${one}`;
}

/** The two ends of one stream. */
class Pair {
  readonly near: End;
  readonly far: End;
  lostBytes = false;
  /** Called when both ends are. */
  closed: () => void = () => {};
  readonly #nearHost: string;
  readonly #farHost: string;

  constructor(nearHost: string, farHost: string, later: (call: () => void, bothHosts: boolean) => void, isCut: () => boolean) {
    this.#nearHost = nearHost;
    this.#farHost = farHost;
    const lost = (): boolean => {
      if (isCut()) this.lostBytes = true;
      return this.lostBytes;
    };
    // Behind a cut one end may close long before the other.
    const gone = (): void => {
      if (this.near.isClosed && this.far.isClosed) this.closed();
    };
    this.near = new End(farHost, later, lost, gone);
    this.far = new End(nearHost, later, lost, gone);
    this.near.peer = this.far;
    this.far.peer = this.near;
  }

  /** Whether it goes between two hosts; with one host twice, whether it touches it. */
  joins(one: string, other: string): boolean {
    if (one === other) return this.#nearHost === one || this.#farHost === one;
    return between(this.#nearHost, this.#farHost) === between(one, other);
  }

  break(error: Error): void {
    this.near.close(error);
    this.far.close(error);
  }
}

class End implements ByteStream {
  readonly remoteAddress: string;
  events: StreamEvents | undefined;
  peer: End | undefined;
  queuedBytes = 0;
  #ended = false;
  #closed = false;
  #full = false;
  readonly #later: (call: () => void, bothHosts: boolean) => void;
  readonly #lost: () => boolean;
  readonly #gone: () => void;

  constructor(
    remoteAddress: string,
    later: (call: () => void, bothHosts: boolean) => void,
    lost: () => boolean,
    gone: () => void,
  ) {
    this.remoteAddress = remoteAddress;
    this.#later = later;
    this.#lost = lost;
    this.#gone = gone;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#ended || this.#closed) return false;
    if (this.#lost()) return true;
    this.queuedBytes += bytes.length;
    this.#later(() => this.#arrive(bytes), true);
    this.#full ||= this.queuedBytes >= highWaterBytes;
    return !this.#full;
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    if (this.#lost()) return this.close();
    this.#later(() => {
      this.peer?.close();
      this.close();
    }, true);
  }

  destroy(): void {
    if (this.#closed) return;
    this.close();
    if (!this.#lost()) this.#later(() => this.peer?.close(), true);
  }

  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gone();
    this.#later(() => this.events?.closed(error), false);
  }

  #arrive(bytes: Uint8Array): void {
    this.queuedBytes -= bytes.length;
    const { peer } = this;
    // Whoever has said goodbye hears nothing more.
    if (peer && !peer.#ended && !peer.#closed && !this.#lost()) peer.events?.data(bytes);
    if (this.#full && this.queuedBytes === 0 && !this.#ended && !this.#closed) {
      this.#full = false;
      this.events?.drain();
    }
  }
}
