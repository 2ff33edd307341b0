import { tcp } from "../acceptor/index.ts";
import { type Client, type ClientOptions, createClient, type Transport } from "../client/index.ts";
import { createStoppableClock, createVirtualClock, type Random, type StoppableClock, seededRandom } from "../clock/index.ts";
import type { Server } from "../context/index.ts";
import { memory } from "../discovery/index.ts";
import { silentLogger } from "../logger/index.ts";
import { createMemoryNet, type Net } from "../net/index.ts";
import { createServer, type ServerOptions } from "../server/index.ts";
import { cutDiscovery } from "./cut-discovery.ts";
import { createVirtualTime } from "./virtual-time.ts";

/** How a test cluster differs from the default. */
export interface TestClusterOptions {
  /** Chooses every delay and every id. The default is 1. */
  readonly seed?: number;
  /** How long bytes are under way between two hosts. The default is 0. */
  readonly latencyMs?: number;
}

/** A server of a test: what is usual, but where it listens and what it finds others by. */
export interface TestServerOptions
  extends Omit<ServerOptions, "discovery" | "acceptors" | "cluster" | "clock" | "random" | "net"> {
  readonly id: string;
  /** Whether it holds clients. The default is false. */
  readonly frontend?: boolean;
}

/** A fault that lasts until it is healed. */
export interface Fault extends AsyncDisposable {
  heal(): Promise<void>;
}

/** Servers and clients in one process, on a clock that moves only when told. */
export interface TestCluster extends AsyncDisposable {
  /** Milliseconds of the cluster's clock. */
  readonly now: number;
  /** A server that serves, and is known to all others. */
  start(options: TestServerOptions): Promise<Server>;
  /** A client with an open session. */
  connect(frontend: string, options?: Omit<ClientOptions, "transport" | "clock">): Promise<Client>;
  /** Moves the clock, timer by timer, until everything that follows has happened. */
  advance(ms: number): Promise<void>;
  /** Waits, without moving the clock, until nothing happens any more. */
  settle(): Promise<void>;
  /** Loses every byte between two servers, until it is healed: what was lost breaks the link then. */
  cut(one: string, other: string): Fault;
  /** Takes a server out of reach of what the cluster remembers (where users are, groups of users), until it is healed. */
  cutDiscovery(id: string): Fault;
  /** Breaks the client's socket. */
  drop(client: Client): void;
  /** Ends a server as kill -9 would: its record stays until its lease is over. */
  crash(id: string): void;
  /** Closes the clients, then stops the servers. */
  stop(): Promise<void>;
}

interface Running {
  readonly server: Server;
  readonly clock: StoppableClock;
}

/** An empty cluster at time 0. */
export function createTestCluster(options: TestClusterOptions = {}): TestCluster {
  const clock = createVirtualClock();
  const random: Random = seededRandom(options.seed ?? 1);
  const net = createMemoryNet({ clock, ...(options.latencyMs === undefined ? {} : { latencyMs: options.latencyMs }) });
  const discovery = memory();
  const time = createVirtualTime(clock, () => net.underway);
  const servers = new Map<string, Running>();
  const outOfReach = new Set<string>();
  const clients = new Map<Client, { readonly host: string; readonly frontend: string }>();

  function running(id: string): Running {
    const found = servers.get(id);
    if (!found) throw new TypeError(`the cluster has no server "${id}"`);
    return found;
  }

  async function stop(): Promise<void> {
    await time.drive(Promise.all([...clients.keys()].map((client) => client.close())));
    clients.clear();
    const all = [...servers.values()];
    servers.clear();
    await time.drive(Promise.all(all.map(({ server }) => server.stop())));
  }

  return {
    get now() {
      return clock.now();
    },
    async start({ frontend, id, ...rest }) {
      if (servers.has(id)) throw new TypeError(`the cluster has a server "${id}" already`);
      const own = createStoppableClock(clock);
      const server = createServer({
        log: silentLogger,
        ...rest,
        id,
        ...(frontend ? { acceptors: [tcp({ port: 0 })] } : {}),
        discovery: cutDiscovery(discovery, () => !outOfReach.has(id)),
        clock: own,
        random,
        net: net.as(id),
      });
      servers.set(id, { server, clock: own });
      await time.drive(server.start());
      await time.settle();
      return server;
    },
    async connect(frontend, clientOptions) {
      const address = running(frontend).server.addresses["tcp"];
      if (address === undefined) throw new TypeError(`${frontend} holds no clients: start it with frontend: true`);
      const host = `client-${clients.size + 1}`;
      const transport = memoryTransport(net.as(host), address);
      // The platform inflates in real time, which nobody here waits for.
      const client = createClient({ random, ...clientOptions, inflate: false, clock, transport });
      clients.set(client, { host, frontend });
      await time.drive(client.connect());
      return client;
    },
    advance: time.advance,
    settle: time.settle,
    cut(one, other) {
      running(one);
      running(other);
      net.cut(one, other);
      const heal = async (): Promise<void> => {
        net.heal(one, other);
        await time.settle();
      };
      return { heal, [Symbol.asyncDispose]: heal };
    },
    cutDiscovery(id) {
      running(id);
      outOfReach.add(id);
      const heal = async (): Promise<void> => {
        outOfReach.delete(id);
        await time.settle();
      };
      return { heal, [Symbol.asyncDispose]: heal };
    },
    drop(client) {
      const at = clients.get(client);
      if (!at) throw new TypeError("not a client of this cluster");
      net.reset(at.host, at.frontend);
    },
    crash(id) {
      const { clock: own } = running(id);
      servers.delete(id);
      own.stop();
      net.crash(id);
      discovery.abandon(id);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function memoryTransport(net: Net, address: string): Transport {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  return {
    name: "memory",
    async open(events, signal) {
      const stream = await net.connect({ host: "127.0.0.1", port }, { ...events, drain: () => {} }, signal);
      return { send: (packet) => void stream.write(packet), close: () => stream.end() };
    },
  };
}
