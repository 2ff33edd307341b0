import type { Clock } from "../clock/index.ts";
import type { ByteStream, Listener, Net, StreamEvents } from "./net.ts";

/** A network in one process: byte streams between named hosts, with faults. For tests. */
export interface MemoryNet {
  /** The network as one host sees it. Peers see its name as the remote address. */
  as(host: string): Net;
  /** Loses every byte between two hosts, and lets no new stream through, until healed. Streams that stood stay cut off for what was lost: they break on healing. */
  cut(one: string, other: string): void;
  heal(one: string, other: string): void;
  /** Bytes between two hosts take so much longer from now on, in milliseconds; those of one stream stay in order. 0 ends it. */
  delay(one: string, other: string, ms: number): void;
  /**
   * Breaks every stream between two hosts, at once, with an error.
   *
   * @param seenBy The one that sees it; for the other its ends stand, and what they write is lost. The default is both.
   */
  reset(one: string, other: string, seenBy?: string): void;
  /**
   * Everything of a host is gone: its listeners, and its streams with an error. Whoever has the network as this host opens nothing any more; who
   * asks for it later is the host, started again.
   */
  crash(host: string): void;
  /** Bytes and connects that are under way. */
  readonly underway: number;
  /** Of these, what arrives though the clock stands. */
  readonly arriving: number;
}

const highWaterBytes = 64 * 1_024;
const firstPort = 20_000;

/** One start of a host. */
interface Life {
  readonly host: string;
  over: boolean;
}

interface Listening {
  readonly life: Life;
  readonly accept: (stream: ByteStream) => StreamEvents;
  paused: boolean;
}

/** @param options.latencyMs How long bytes are under way between two hosts. The default is 0. */
export function createMemoryNet(options: { readonly clock: Clock; readonly latencyMs?: number }): MemoryNet {
  const { clock, latencyMs = 0 } = options;
  const listeners = new Map<number, Listening>();
  const pairs = new Set<Pair>();
  const cuts = new Set<string>();
  const delays = new Map<string, number>();
  const lives = new Set<Life>();
  let nextPort = firstPort;
  let underway = 0;
  let arriving = 0;

  function after(delayMs: number, call: () => void): void {
    underway++;
    const run = (): void => {
      underway--;
      call();
    };
    if (delayMs > 0) return void clock.after(delayMs, run);
    arriving++;
    clock.soon(() => {
      arriving--;
      run();
    });
  }

  function way(from: string, to: string): number {
    return latencyMs + (delays.get(between(from, to)) ?? 0);
  }

  /** What goes one way of one stream, in order, however long each takes. */
  function road(from: string, to: string): Road {
    let freeAtMs = 0;
    return {
      carry(call) {
        const now = clock.now();
        freeAtMs = Math.max(freeAtMs, now + way(from, to));
        after(freeAtMs - now, call);
      },
      soon: (call) => after(0, call),
      get cut() {
        return cuts.has(between(from, to));
      },
    };
  }

  function listen(life: Life, port: number, accept: Listening["accept"]): Listener {
    if (life.over) throw new Error(`listen ENETDOWN: ${life.host} has crashed`);
    if (port === 0) while (listeners.has(nextPort)) nextPort++;
    const at = port === 0 ? nextPort++ : port;
    if (listeners.has(at)) throw new Error(`listen EADDRINUSE: port ${at} is taken`);
    const listening: Listening = { life, accept, paused: false };
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

  function connect(life: Life, port: number, events: StreamEvents, signal: AbortSignal): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => reject(signal.reason);
      if (signal.aborted) return aborted();
      signal.addEventListener("abort", aborted, { once: true });
      const { host } = life;
      const to = listeners.get(port)?.life.host;
      after(to === undefined ? latencyMs : way(host, to), () => {
        const listening = listeners.get(port);
        if (signal.aborted || life.over) return;
        if (listening && cuts.has(between(host, listening.life.host))) return;
        signal.removeEventListener("abort", aborted);
        if (!listening || listening.paused) return reject(new Error(`connect ECONNREFUSED: port ${port}`));
        const far = listening.life.host;
        const pair = new Pair(host, far, road(host, far), road(far, host));
        pairs.add(pair);
        pair.closed = () => void pairs.delete(pair);
        pair.near.events = events;
        pair.far.events = listening.accept(pair.far);
        resolve(pair.near);
      });
    });
  }

  return {
    as(host) {
      const life: Life = { host, over: false };
      lives.add(life);
      return {
        async listen({ port, proxy }, accept) {
          if (proxy) throw new Error("no proxy stands before a listener in memory");
          return listen(life, port, accept);
        },
        connect: ({ port }, events, signal) => connect(life, port, events, signal),
      };
    },
    cut: (one, other) => void cuts.add(between(one, other)),
    heal(one, other) {
      cuts.delete(between(one, other));
      for (const pair of [...pairs])
        if (pair.joins(one, other) && pair.lostBytes) pair.break(new Error("read ECONNRESET: bytes were lost"));
    },
    delay(one, other, ms) {
      if (ms > 0) delays.set(between(one, other), ms);
      else delays.delete(between(one, other));
    },
    reset(one, other, seenBy) {
      for (const pair of [...pairs]) if (pair.joins(one, other)) pair.break(new Error("read ECONNRESET"), seenBy);
    },
    crash(host) {
      for (const life of lives) {
        if (life.host !== host) continue;
        life.over = true;
        lives.delete(life);
      }
      for (const [port, { life }] of listeners) if (life.over) listeners.delete(port);
      for (const pair of [...pairs]) if (pair.joins(host, host)) pair.break(new Error("read ECONNRESET"));
    },
    get underway() {
      return underway;
    },
    get arriving() {
      return arriving;
    },
  };
}

function between(one: string, other: string): string {
  return one < other ? `${one}\n${other}` : `${other}\n${one}`;
}

/** One way of one stream. */
interface Road {
  /** Calls when what is sent now has arrived. */
  carry(call: () => void): void;
  /** Calls in a moment: nothing is sent. */
  soon(call: () => void): void;
  readonly cut: boolean;
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

  constructor(nearHost: string, farHost: string, there: Road, back: Road) {
    this.#nearHost = nearHost;
    this.#farHost = farHost;
    const lost = (): boolean => {
      if (there.cut) this.lostBytes = true;
      return this.lostBytes;
    };
    // Behind a cut one end may close long before the other.
    const gone = (): void => {
      if (this.near.isClosed && this.far.isClosed) this.closed();
    };
    this.near = new End(farHost, there, lost, gone);
    this.far = new End(nearHost, back, lost, gone);
    this.near.peer = this.far;
    this.far.peer = this.near;
  }

  /** Whether it goes between two hosts; with one host twice, whether it touches it. */
  joins(one: string, other: string): boolean {
    if (one === other) return this.#nearHost === one || this.#farHost === one;
    return between(this.#nearHost, this.#farHost) === between(one, other);
  }

  /** @param seenBy The host whose end breaks. The default is both. */
  break(error: Error, seenBy?: string): void {
    if (seenBy === undefined || seenBy === this.#nearHost) this.near.close(error);
    if (seenBy === undefined || seenBy === this.#farHost) this.far.close(error);
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
  readonly #road: Road;
  readonly #lost: () => boolean;
  readonly #gone: () => void;

  constructor(remoteAddress: string, road: Road, lost: () => boolean, gone: () => void) {
    this.remoteAddress = remoteAddress;
    this.#road = road;
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
    this.#road.carry(() => this.#arrive(bytes));
    this.#full ||= this.queuedBytes >= highWaterBytes;
    return !this.#full;
  }

  end(): void {
    if (this.#ended || this.#closed) return;
    this.#ended = true;
    if (this.#lost()) return this.close();
    this.#road.carry(() => {
      this.peer?.close();
      this.close();
    });
  }

  destroy(): void {
    if (this.#closed) return;
    this.close();
    if (!this.#lost()) this.#road.carry(() => this.peer?.close());
  }

  close(error?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gone();
    this.#road.soon(() => this.events?.closed(error));
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
