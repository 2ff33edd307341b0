import { type Client, type ClientOptions, createClient } from "../client/index.ts";
import { type Clock, createVirtualClock, type Random, seededRandom } from "../clock/index.ts";
import type { Server } from "../context/index.ts";
import { createMemoryNet } from "../net/index.ts";
import { memoryTransport } from "./memory-transport.ts";
import { createRecorder, type NumberedPush } from "./recorder.ts";
import type { Seen } from "./seen.ts";
import { createTestMembers, type MakeTestServer, type TestServerOptions } from "./test-members.ts";
import { makeTrouble, type TroubleOptions } from "./trouble.ts";
import { createVirtualTime } from "./virtual-time.ts";

/** How a test cluster differs from the default. */
export interface TestClusterOptions {
  /** Chooses every delay and every id. The default is 1. */
  readonly seed?: number;
  /** How long bytes are under way between two hosts. The default is 0. */
  readonly latencyMs?: number;
  /** Whether what clients and handlers see is written down, in `seen`; and which pushes count themselves. The default is nothing. */
  readonly record?: { readonly numbered?: readonly NumberedPush[] };
}

/** A fault that lasts until it is healed. */
export interface Fault extends AsyncDisposable {
  heal(): Promise<void>;
}

/** Servers and clients in one process, on a clock that moves only when told. */
export interface TestCluster extends AsyncDisposable {
  /** Milliseconds of the cluster's clock. */
  readonly now: number;
  /** The cluster's clock, to wait by. It moves while something here is awaited. */
  readonly clock: Clock;
  /** What was seen by now, in order. Empty without `record`. */
  readonly seen: readonly Seen[];
  /** Those that run. */
  readonly servers: readonly Server[];
  /** A server that serves, and is known to all others. @param options A function is asked anew where it is restarted. */
  start(options: TestServerOptions | MakeTestServer): Promise<Server>;
  /** Stops a server as SIGTERM would. */
  stopServer(id: string): Promise<void>;
  /** Starts a server again that has crashed, or was stopped, as it was started before. */
  restart(id: string): Promise<Server>;
  /** A client with an open session. @param frontend Of several it dials one at random, each time. */
  connect(frontend: string | readonly string[], options?: Omit<ClientOptions, "transport" | "clock">): Promise<Client>;
  /** Moves the clock, timer by timer, until everything that follows has happened. */
  advance(ms: number): Promise<void>;
  /** Waits, without moving the clock, until nothing happens any more. */
  settle(): Promise<void>;
  /** Moves the clock as far as a promise needs to settle, for at most a minute of its time; then it rejects. */
  drive<T>(promise: Promise<T>): Promise<T>;
  /** Loses every byte between two servers, or a client and a server, until it is healed: what was lost breaks the stream then. */
  cut(one: string | Client, other: string): Fault;
  /** Bytes between two servers, or a client and a server, take so much longer, in milliseconds, until it is healed. */
  delay(one: string | Client, other: string, ms: number): Fault;
  /** Takes a server out of reach of what the cluster remembers (where users are, groups of users), until it is healed. */
  cutDiscovery(id: string): Fault;
  /** Breaks the client's socket. @param seenBy Who sees it: the other end stands, until it finds out by itself. The default is both. */
  drop(client: Client, seenBy?: "client" | "server"): void;
  /** Breaks the streams between two servers. @param seenBy The id of the one that sees it. The default is both. */
  dropLink(one: string, other: string, seenBy?: string): void;
  /** Ends a server as kill -9 would: its record stays until its lease is over, or it is started again. */
  crash(id: string): void;
  /** Moves the clock by so much while faults come and go, chosen by the seed. In the end all are healed, and what has crashed is started again. */
  trouble(ms: number, options?: TroubleOptions): Promise<void>;
  closeClients(): Promise<void>;
  /** Closes the clients, then stops the servers. */
  stop(): Promise<void>;
}

/** An empty cluster at time 0. */
export function createTestCluster(options: TestClusterOptions = {}): TestCluster {
  const { seed = 1, latencyMs = 0, record } = options;
  const clock = createVirtualClock();
  const random: Random = seededRandom(seed);
  const net = createMemoryNet({ clock, latencyMs });
  const time = createVirtualTime(clock, () => net.arriving);
  const recorder = record && createRecorder(() => clock.now(), record.numbered ?? []);
  const members = createTestMembers({ clock, random, net, recorder });
  const clients = new Map<Client, { readonly name: string; readonly frontends: readonly string[] }>();

  function clientAt(client: Client): { readonly name: string; readonly frontends: readonly string[] } {
    const at = clients.get(client);
    if (!at) throw new TypeError("not a client of this cluster");
    return at;
  }

  function hostOf(peer: string | Client): string {
    return typeof peer === "string" ? members.server(peer).id : clientAt(peer).name;
  }

  function fault(text: string, mend: () => void): Fault {
    recorder?.fault(text);
    let healed = false;
    const heal = async (): Promise<void> => {
      if (healed) return;
      healed = true;
      recorder?.fault(`over: ${text}`);
      mend();
      await time.settle();
    };
    return { heal, [Symbol.asyncDispose]: heal };
  }

  async function serving({ server, started }: { readonly server: Server; readonly started: Promise<void> }): Promise<Server> {
    await time.drive(started);
    await time.settle();
    return server;
  }

  async function closeClients(): Promise<void> {
    await time.drive(Promise.all([...clients.keys()].map((client) => client.close())));
    await time.settle();
  }

  async function stop(): Promise<void> {
    await closeClients();
    await time.drive(Promise.all(members.ids.map((id) => members.stop(id))));
  }

  const cluster: TestCluster = {
    get now() {
      return clock.now();
    },
    clock,
    get seen() {
      return recorder?.seen ?? [];
    },
    get servers() {
      return members.ids.map((id) => members.server(id));
    },
    start: async (server) => serving(members.start(typeof server === "function" ? server : () => server)),
    stopServer: (id) => time.drive(members.stop(id)),
    async restart(id) {
      recorder?.fault(`${id} is started again`);
      return serving(members.restart(id));
    },
    async connect(frontend, clientOptions) {
      const frontends = typeof frontend === "string" ? [frontend] : [...frontend];
      for (const id of frontends)
        if (!members.isFrontend(id)) throw new TypeError(`${id} holds no clients: start it with frontend: true`);
      const name = `client-${clients.size + 1}`;
      const transport = memoryTransport(net.as(name), () => {
        const id = frontends[Math.floor(random.next() * frontends.length)] ?? "";
        const address = members.ids.includes(id) ? members.server(id).addresses["tcp"] : undefined;
        if (address === undefined) throw new Error(`connect ECONNREFUSED: ${id} does not run`);
        return address;
      });
      // The platform inflates in real time, which nobody here waits for.
      const bare = createClient({ random, ...clientOptions, inflate: false, clock, transport });
      const client = recorder?.client(name, bare, clientOptions?.timeoutMs) ?? bare;
      clients.set(client, { name, frontends });
      await time.drive(client.connect());
      return client;
    },
    ...time,
    cut(one, other) {
      const [near, far] = [hostOf(one), hostOf(other)];
      net.cut(near, far);
      return fault(`${near} and ${far} are cut off`, () => net.heal(near, far));
    },
    delay(one, other, ms) {
      const [near, far] = [hostOf(one), hostOf(other)];
      net.delay(near, far, ms);
      return fault(`${near} and ${far} are ${ms} ms further apart`, () => net.delay(near, far, 0));
    },
    cutDiscovery(id) {
      members.reach(id, false);
      return fault(`${id} does not reach discovery`, () => members.reach(id, true));
    },
    drop(client, seenBy) {
      const { name, frontends } = clientAt(client);
      recorder?.fault(`the socket of ${name} breaks${seenBy ? `, and only the ${seenBy} sees it` : ""}`);
      for (const id of frontends) net.reset(name, id, seenBy === undefined ? undefined : seenBy === "client" ? name : id);
    },
    dropLink(one, other, seenBy) {
      recorder?.fault(`streams between ${one} and ${other} break${seenBy ? `, and only ${seenBy} sees it` : ""}`);
      net.reset(members.server(one).id, members.server(other).id, seenBy);
    },
    crash: (id) => members.crash(id),
    trouble: (ms, troubleOptions) =>
      makeTrouble(
        { cluster, members, clients: [...clients].map(([client, at]) => ({ client, ...at })), random },
        ms,
        troubleOptions,
      ),
    closeClients,
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return cluster;
}
