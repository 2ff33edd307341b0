import { tcp } from "../acceptor/index.ts";
import { type Clock, createStoppableClock, type Random, type StoppableClock } from "../clock/index.ts";
import type { Server } from "../context/index.ts";
import { memory } from "../discovery/index.ts";
import { silentLogger } from "../logger/index.ts";
import type { MemoryNet } from "../net/index.ts";
import { createServer, type ServerOptions } from "../server/index.ts";
import { cutDiscovery } from "./cut-discovery.ts";
import type { RecordedPlace, Recorder } from "./recorder.ts";

/** A server of a test: what is usual, but where it listens and what it finds others by. */
export interface TestServerOptions
  extends Omit<ServerOptions, "discovery" | "acceptors" | "cluster" | "clock" | "random" | "net"> {
  readonly id: string;
  /** Whether it holds clients. The default is false. */
  readonly frontend?: boolean;
}

/**
 * What a server is made of, each time it is started: what its services kept is gone then.
 *
 * @param clock That of this start. It stops where the server crashes; timers of services on it do, too.
 */
export type MakeTestServer = (clock: Clock) => TestServerOptions;

/** What the servers of a test cluster share. */
export interface TestMembersOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: MemoryNet;
  readonly recorder: Recorder | undefined;
}

/** The servers of a test cluster. Nothing here moves the clock. */
export interface TestMembers {
  /** Those that run, by id. */
  readonly ids: readonly string[];
  readonly crashed: readonly string[];
  isFrontend(id: string): boolean;
  /** Throws a TypeError where there is none. */
  server(id: string): Server;
  /** Makes a server, and begins to start it. */
  start(make: MakeTestServer): { readonly server: Server; readonly started: Promise<void> };
  /** Starts one again that has crashed, or was stopped. */
  restart(id: string): { readonly server: Server; readonly started: Promise<void> };
  stop(id: string): Promise<void>;
  crash(id: string): void;
  /** Whether it reaches what the cluster remembers. */
  reach(id: string, inReach: boolean): void;
}

interface Member {
  readonly server: Server;
  readonly clock: StoppableClock;
  readonly frontend: boolean;
  readonly place: { -readonly [P in keyof RecordedPlace]: RecordedPlace[P] };
}

/** No server yet. */
export function createTestMembers({ clock, random, net, recorder }: TestMembersOptions): TestMembers {
  const discovery = memory();
  const members = new Map<string, Member>();
  const makers = new Map<string, MakeTestServer>();
  const crashed = new Set<string>();
  const lives = new Map<string, number>();
  const outOfReach = new Set<string>();

  function member(id: string): Member {
    const found = members.get(id);
    if (!found) throw new TypeError(`the cluster has no server "${id}"`);
    return found;
  }

  function start(make: MakeTestServer): { readonly server: Server; readonly started: Promise<void> } {
    const own = createStoppableClock(clock);
    const { frontend = false, id, services = [], sessions = [], ...rest } = make(own);
    if (members.has(id)) throw new TypeError(`the cluster has a server "${id}" already`);
    const life = (lives.get(id) ?? 0) + 1;
    const place = { server: id, life, alive: true };
    const server = createServer({
      log: silentLogger,
      ...rest,
      id,
      services: recorder ? services.map((service) => recorder.service(place, service)) : services,
      sessions: recorder ? [recorder.hooks(place), ...sessions] : sessions,
      ...(frontend ? { acceptors: [tcp({ port: 0 })] } : {}),
      discovery: cutDiscovery(discovery, () => !outOfReach.has(id)),
      clock: own,
      random,
      net: net.as(id),
    });
    lives.set(id, life);
    crashed.delete(id);
    makers.set(id, make);
    members.set(id, { server, clock: own, frontend, place });
    return { server, started: server.start() };
  }

  return {
    get ids() {
      return [...members.keys()];
    },
    get crashed() {
      return [...crashed];
    },
    isFrontend: (id) => member(id).frontend,
    server: (id) => member(id).server,
    start,
    restart(id) {
      const make = makers.get(id);
      if (!make) throw new TypeError(`the cluster never had a server "${id}"`);
      return start(make);
    },
    async stop(id) {
      const { server } = member(id);
      await server.stop();
      members.delete(id);
    },
    crash(id) {
      const { clock: own, place } = member(id);
      members.delete(id);
      crashed.add(id);
      recorder?.crash(place);
      place.alive = false;
      own.stop();
      net.crash(id);
      discovery.abandon(id);
    },
    reach(id, inReach) {
      if (inReach) outOfReach.delete(id);
      else outOfReach.add(member(id).server.id);
    },
  };
}
