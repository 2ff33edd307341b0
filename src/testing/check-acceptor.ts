import type { Acceptor, AcceptorHost } from "../acceptor/index.ts";
import { sleep, systemClock, within } from "../clock/index.ts";
import { silentLogger } from "../logger/index.ts";
import { systemNet } from "../net/index.ts";
import { CheckedSocket, type Dial, type DialedClient, Heard, joined, packetOf } from "./checked-client.ts";

/** An acceptor, and what is needed to look at it. */
export interface AcceptorCheck {
  /** Not started yet. It is stopped afterwards, whatever comes out. */
  readonly acceptor: Acceptor;
  readonly dial: Dial;
  /** Another one at an address that is taken: it must not start. The default is to leave this out. */
  readonly taken?: (address: string) => Acceptor;
  /** What differs of what a server gives to its acceptors. */
  readonly host?: Partial<AcceptorHost>;
  /** How long each step may take, in milliseconds. The default is 10000. */
  readonly stepMs?: number;
}

interface Connected {
  readonly client: DialedClient;
  /** What the client heard. */
  readonly near: Heard;
  /** What the frontend heard. */
  readonly far: CheckedSocket;
}

const maxPacketBytes = 65_536;
const bodies = [0, 1, 121, 122, 123, 1_000, 16_000, 65_531, 65_532, 2];
const mostFilledBytes = 32 * 1_024 * 1_024;
// How long a client is given to be taken where none may be.
const refusalMs = 200;
const pollMs = 2;

/**
 * Checks that an acceptor keeps what its interface promises, as a server relies on it: start, packets both ways and in order, a full pipe, ends of
 * all kinds, pause, resume and stop. For tests of acceptors of one's own, in any test runner; needs real time.
 *
 * @throws {Error} What is wrong, with the acceptor's name and the step.
 */
export async function checkAcceptor(check: AcceptorCheck): Promise<void> {
  const { acceptor, dial, taken, stepMs = 10_000 } = check;
  const host: AcceptorHost = {
    net: systemNet,
    clock: systemClock,
    log: silentLogger,
    maxPacketBytes,
    maxFragments: 64,
    maxSockets: Number.POSITIVE_INFINITY,
    sharePorts: false,
    ...check.host,
  };
  const accepted: CheckedSocket[] = [];
  const clients = new Set<DialedClient>();
  const breaches: string[] = [];
  let greetings = 0;
  let address = "";
  let stopped: Promise<void> | undefined;

  async function until(look: () => boolean, missing: string): Promise<void> {
    const untilMs = systemClock.now() + stepMs;
    while (!look()) {
      if (systemClock.now() >= untilMs) throw new Error(missing);
      await sleep(systemClock, pollMs);
    }
  }

  function inTime<T>(promise: Promise<T>, missing: string): Promise<T> {
    return within(systemClock, stepMs, promise, () => {
      throw new Error(missing);
    });
  }

  async function open(near = new Heard()): Promise<{ readonly client: DialedClient; readonly near: Heard }> {
    const events = { data: (bytes: Uint8Array) => near.data(bytes), closed: () => void near.closes++ };
    const client = await dial(address, events);
    clients.add(client);
    return { client, near };
  }

  /** It takes connections again, a moment after it was told to. */
  async function reopened(): Promise<void> {
    let taken = false;
    const untilMs = systemClock.now() + stepMs;
    while (!taken && systemClock.now() < untilMs) {
      await sleep(systemClock, pollMs);
      taken = await open().then(
        ({ client }) => {
          client.close();
          return true;
        },
        () => false,
      );
    }
  }

  async function connect(): Promise<Connected> {
    const opened = await inTime(open(), "the client did not connect");
    // Each says another thing first: by this it is known.
    const greeting = packetOf(++greetings);
    opened.client.send(greeting);
    const greeted = (): CheckedSocket | undefined => accepted.find((socket) => socket.holds(greeting));
    await until(() => greeted() !== undefined, "accept was not called, or the first packet did not arrive as it was");
    const far = greeted() as CheckedSocket;
    far.take(greeting);
    return { ...opened, far };
  }

  async function talk({ client, near, far }: Connected, packets: readonly Uint8Array[] = [packetOf(7)]): Promise<void> {
    const all = joined(packets);
    for (const packet of packets) client.send(packet);
    await until(() => far.byteCount >= all.length, "packets of the client did not arrive");
    if (!far.take(all)) throw new Error("packets of the client arrived changed");
    far.write(...packets);
    await until(() => near.byteCount >= all.length, "packets for the client did not arrive");
    if (!near.take(all)) throw new Error("packets for the client arrived changed");
  }

  async function ended({ near, far }: Connected): Promise<void> {
    await until(() => far.closes > 0, "closed was not called");
    await until(() => near.closes > 0, "the client was not closed");
    if (far.socket.write(packetOf(1))) throw new Error("write took bytes after closed");
    far.socket.end();
    far.socket.destroy();
  }

  /** Tries to get in where nobody may. */
  async function knock(): Promise<void> {
    const before = accepted.length;
    const near = new Heard();
    let refused = false;
    open(near).then(
      ({ client }) => client.send(packetOf(++greetings)),
      () => {
        refused = true;
      },
    );
    const untilMs = systemClock.now() + refusalMs;
    while (!refused && near.closes === 0 && systemClock.now() < untilMs) await sleep(systemClock, pollMs);
    if (accepted.length > before) throw new Error("a client was accepted");
  }

  /** Writes until the pipe is full, or takes more than any should, and gives how many bytes that were. */
  function fill({ far }: Connected): { readonly written: number; readonly full: boolean } {
    const packet = packetOf(60_000);
    for (let written = packet.length; written < mostFilledBytes; written += packet.length) {
      if (!far.write(packet)) return { written, full: true };
    }
    return { written: mostFilledBytes - (mostFilledBytes % packet.length), full: false };
  }

  const steps: Readonly<Record<string, () => Promise<void>>> = {
    async start() {
      const starting = acceptor.start((socket) => {
        const far = new CheckedSocket(socket, (what) => void breaches.push(what));
        accepted.push(far);
        return far.events;
      }, host);
      address = await inTime(starting, "it did not resolve");
      if (typeof address !== "string" || address === "") throw new Error("it resolved with no address");
    },
    async "a taken address"() {
      if (!taken) return;
      const other = taken(address);
      const ignored = { data: () => {}, drain: () => {}, closed: () => {} };
      const starting = other
        .start(() => ignored, host)
        .then(
          () => true,
          () => false,
        );
      if (!(await inTime(starting, "start neither resolved nor rejected"))) return;
      await other.stop();
      throw new Error("start resolved");
    },
    async packets() {
      const one = await connect();
      const { remoteAddress, queuedBytes } = one.far.socket;
      if (typeof remoteAddress !== "string") throw new Error("remoteAddress is no text");
      if (!Number.isInteger(queuedBytes) || queuedBytes < 0) throw new Error("queuedBytes is no number of bytes");
      await talk(one, bodies.map(packetOf));
      one.client.close();
    },
    async "a full pipe"() {
      const one = await connect();
      const { written, full } = fill(one);
      const { far, near, client } = one;
      if (full) {
        if (!(far.socket.queuedBytes > 0)) throw new Error("write was false, and queuedBytes 0");
        await until(() => far.drains > 0, "drain was not called after write was false");
      }
      await until(() => near.byteCount >= written, "bytes were lost");
      client.close();
    },
    async "a client that leaves"() {
      const [leaving, staying] = [await connect(), await connect()];
      leaving.client.close();
      await until(() => leaving.far.closes > 0, "closed was not called");
      await talk(staying);
      staying.client.close();
    },
    async end() {
      const one = await connect();
      const { written } = fill(one);
      one.far.socket.end();
      await ended(one);
      if (one.near.byteCount !== written) throw new Error("what was written before did not arrive");
    },
    async destroy() {
      const one = await connect();
      one.far.socket.destroy();
      await ended(one);
    },
    async "pause and resume"() {
      const there = await connect();
      acceptor.pause();
      await knock();
      await talk(there);
      acceptor.resume();
      await reopened();
      await talk(await connect());
      there.client.close();
    },
    async stop() {
      const there = await connect();
      stopped = acceptor.stop();
      await knock();
      await talk(there);
      // As the frontend does.
      for (const { socket, closes } of accepted) if (closes === 0) socket.end();
      await inTime(stopped, "it did not resolve when its sockets were closed");
      await until(() => accepted.every(({ closes }) => closes > 0), "closed was not called for every socket");
      await knock();
    },
  };

  // Timers of the clock hold no process open: one that does nothing else would end in the midst of it.
  const awake = systemClock.after(Number.POSITIVE_INFINITY, () => {}, { keepAlive: true });
  try {
    for (const [name, step] of Object.entries(steps)) {
      try {
        await step();
        if (breaches[0] !== undefined) throw new Error(breaches[0]);
      } catch (reason) {
        const what = reason instanceof Error ? reason.message : String(reason);
        throw new Error(`the acceptor "${acceptor.name}", ${name}: ${what}`, { cause: reason });
      }
    }
  } finally {
    for (const client of clients) client.close();
    for (const { socket, closes } of accepted) if (closes === 0) socket.destroy();
    await within(systemClock, stepMs, stopped ?? acceptor.stop(), () => {}).catch(() => {});
    awake.cancel();
  }
}
