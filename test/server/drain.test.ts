import {
  createServer,
  type Discovery,
  implement,
  type Lifecycle,
  memory,
  moduleKey,
  NanoError,
  type Server,
  type Service,
  silentLogger,
  tcp as tcpAcceptor,
} from "nano-rpc";
import { type Client, createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { AskRemote, DeskHandler } from "../schema/gen/ask/v1/ask_nano.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayPush } from "../schema/gen/play/v1/play_nano.ts";
import { playServices } from "./play.ts";

let cluster: TestCluster;
let waits: { readonly atMs: number; readonly done: () => void }[];

/** Ends when `advance` has moved the cluster's clock past it. */
function wait(ms: number): Promise<void> {
  return new Promise((done) => void waits.push({ atMs: cluster.now + ms, done }));
}

async function advance(ms: number, stepMs = 10): Promise<void> {
  for (let left = ms; left > 0; left -= stepMs) {
    await cluster.advance(Math.min(stepMs, left));
    for (const one of waits.filter(({ atMs }) => atMs <= cluster.now)) {
      waits.splice(waits.indexOf(one), 1);
      one.done();
    }
    await cluster.settle();
  }
}

/** Whether a promise has settled once nothing happens any more. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await cluster.settle();
  return done;
}

/** What servers were asked, and by how many. */
class Desk {
  /** How often each word was handled. */
  readonly handled = new Map<string, number>();
  readonly servers = new Set<string>();
  /** How long each call takes. */
  takesMs = 15;

  /** Services that keep nothing: every call may go to any server. `onDrain` says that no session needs to stay. */
  services(id: string, life: Lifecycle = { onDrain: () => {} }): Service[] {
    const answer = async ({ word }: { readonly word: string }): Promise<{ server: string }> => {
      await wait(this.takesMs);
      this.handled.set(word, (this.handled.get(word) ?? 0) + 1);
      this.servers.add(id);
      return { server: id };
    };
    return [
      implement(DeskHandler, { ...life, do: answer, see: answer, put: answer, stay: answer, enter: answer }),
      implement(AskRemote, { tell: answer, look: answer, set: answer, own: answer, ownLook: answer }),
    ];
  }
}

/** Requests that were made, and what came of them. */
class Load {
  readonly words: string[] = [];
  readonly failures: string[] = [];
  answered = 0;
  readonly #running = new Set<Promise<void>>();

  ask(call: (word: string) => Promise<unknown>): void {
    const word = `word ${this.words.length}`;
    this.words.push(word);
    const running: Promise<void> = call(word).then(
      () => {
        this.answered++;
        this.#running.delete(running);
      },
      (reason: unknown) => {
        this.failures.push(`${word}: ${NanoError.from(reason).code}: ${NanoError.from(reason).message}`);
        this.#running.delete(running);
      },
    );
    this.#running.add(running);
  }

  get running(): number {
    return this.#running.size;
  }
}

beforeEach(() => {
  waits = [];
  cluster = createTestCluster({ latencyMs: 2 });
});
afterEach(() => cluster.stop());

describe("a rolling restart of three backends", () => {
  test("loses, doubles and fails no request and no call, of any or by key, at a steady load", async () => {
    const desk = new Desk();
    const gate = await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    const servers: Server[] = [];
    for (const at of [1, 2, 3]) servers.push(await cluster.start({ id: `ask-${at}`, services: desk.services(`ask-${at}`) }));
    const clients: Client[] = [];
    for (let at = 0; at < 12; at++) clients.push(await cluster.connect("gate-1"));
    const load = new Load();
    // Each client asks less often than it is answered, and in turn.
    let turn = 0;
    const tick = async (): Promise<void> => {
      turn = (turn + 1) % 3;
      for (const client of clients.slice(turn * 4, turn * 4 + 4)) load.ask((word) => client.service(DeskClient).do({ word }));
      load.ask((word) => gate.remote(AskRemote).tell({ word }));
      load.ask((word) => gate.remote(AskRemote).own({ word }));
      await advance(10);
    };
    for (let round = 0; round < 2; round++) {
      for (let at = 0; at < 3; at++) {
        for (let times = 0; times < 6; times++) await tick();
        const stopped = servers[at]?.stop() ?? Promise.reject(new Error("no server"));
        for (let times = 0; !(await isDone(stopped)); times++) {
          expect(times).toBeLessThan(100);
          await tick();
        }
        const id = `ask-${at + 1}-${round + 2}`;
        servers[at] = await cluster.start({ id, services: desk.services(id) });
      }
    }
    await advance(500);
    expect(load.failures).toEqual([]);
    expect(load.running).toBe(0);
    expect(load.answered).toBe(load.words.length);
    expect(load.words.length).toBeGreaterThan(1_000);
    expect([...desk.handled.values()].every((times) => times === 1)).toBe(true);
    expect(desk.handled.size).toBe(load.words.length);
    // Each took its share, the last ones too.
    expect(desk.servers.size).toBeGreaterThan(6);
  });

  test("calls that take long are answered before it ends", async () => {
    const desk = new Desk();
    const gate = await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    const server = await cluster.start({ id: "ask-1", services: desk.services("ask-1") });
    const client = await cluster.connect("gate-1");
    desk.takesMs = 3_000;
    const answers = [
      client.service(DeskClient).do({ word: "by a client" }),
      gate.remote(AskRemote).tell({ word: "by a server" }),
    ];
    await advance(50);
    await cluster.start({ id: "ask-2", services: desk.services("ask-2") });
    const stopped = server.stop();
    await advance(2_800, 100);
    expect(await isDone(stopped)).toBe(false);
    await advance(500, 100);
    expect(await isDone(stopped)).toBe(true);
    for (const answer of answers) expect((await answer).server).toBe("ask-1");
  });

  test.each([0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750])(
    "a link that opens while its server drains costs nobody a call: %i ms after the dial, at 200 ms away",
    async (afterMs) => {
      await using far = createTestCluster({ latencyMs: 200, seed: afterMs + 1 });
      const handled: string[] = [];
      const services = (server: string): Service[] => {
        const answer = ({ word }: { readonly word: string }): { server: string } => {
          handled.push(word);
          return { server };
        };
        return [implement(AskRemote, { tell: answer, look: answer, set: answer, own: answer, ownLook: answer })];
      };
      const gate = await far.start({ id: "gate-1", types: ["gate"], frontend: true });
      const servers = [];
      for (const id of ["ask-1", "ask-2"]) servers.push(await far.start({ id, services: services(id) }));
      const words = ["a", "b", "c", "d", "e", "f"];
      const answers = words.map((word) => gate.remote(AskRemote).tell({ word }).result());
      await far.advance(afterMs);
      const stopped = servers[0]?.stop();
      await far.advance(6_000);
      await stopped;
      for (const answer of answers) expect(await answer).toMatchObject({ ok: true });
      expect(handled.sort()).toEqual(words);
    },
  );

  test("nobody asks a server that has said that it drains, whatever discovery says", async () => {
    const discovery = memory();
    // What it is told of changes reaches nobody.
    const deaf: Discovery = {
      name: "deaf",
      join: async (...args) => ({ ...(await discovery.join(...args)), update: () => Promise.reject(new Error("out of reach")) }),
    };
    const asked: string[] = [];
    const answer = (server: string) => () => {
      asked.push(server);
      return { server };
    };
    const start = async (id: string): Promise<Server> => {
      const ask = answer(id);
      const service = implement(AskRemote, { tell: ask, look: ask, set: ask, own: ask, ownLook: ask });
      const server = createServer({ id, services: [service], discovery: deaf, log: silentLogger });
      await server.start();
      return server;
    };
    const caller = createServer({ id: "caller", types: ["caller"], discovery: deaf, log: silentLogger });
    await caller.start();
    const servers = [await start("ask-1"), await start("ask-2")];
    const remote = caller.remote(AskRemote);
    for (const { id } of servers) await caller.remote(AskRemote, { server: id }).tell({});
    const drained = servers[0]?.drain();
    await drained;
    asked.length = 0;
    for (let at = 0; at < 40; at++) await Promise.all([remote.tell({}), remote.own({ word: `${at}` })]);
    expect(new Set(asked)).toEqual(new Set(["ask-2"]));
    expect(caller.servers("ask").map(({ state }) => state)).toEqual(["draining", "ready"]);
    await Promise.all([caller, ...servers].map((server) => server.stop()));
  });

  test("the only server goes on answering until its drain is over", async () => {
    const desk = new Desk();
    const server = await cluster.start({ id: "one-1", frontend: true, services: desk.services("one-1") });
    const client = await cluster.connect("one-1", { reconnect: false });
    const service = client.service(DeskClient);
    desk.takesMs = 200;
    const first = service.do({ word: "under way" });
    await advance(10);
    const drained = server.drain();
    const second = service.do({ word: "in the same breath" });
    await advance(50);
    expect(client.state.name).toBe("open");
    await advance(450);
    expect(await isDone(drained)).toBe(true);
    expect([(await first).server, (await second).server]).toEqual(["one-1", "one-1"]);
    expect(client.state).toMatchObject({ name: "closed", reason: { kind: "draining", code: "moved" } });
  });
});

describe("sessions that are stuck to a draining server", () => {
  async function start(life: Lifecycle = {}) {
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    const { services, seen } = playServices(wait, life);
    const server = await cluster.start({ id: "play-1", services });
    const client = await cluster.connect("gate-1");
    const gone: string[] = [];
    client.onGone(({ type }) => gone.push(type));
    const play = client.service(PlayClient);
    const entered = play.enter({ user: "ann" });
    await advance(50);
    await entered;
    await cluster.start({ id: "play-2", services: playServices(wait).services });
    return { server, client, play, gone, seen };
  }

  test("are served until the deadline, and then hear nano.gone", async () => {
    const { server, play, gone } = await start();
    const began = cluster.now;
    const stopped = server.stop({ graceMs: 5_000 });
    let last = "";
    for (; cluster.now - began < 4_900; await advance(100)) {
      const answer = play.wait({ ms: 20, text: "still" });
      await advance(50);
      last = (await answer).server;
      expect(last).toBe("play-1");
      expect(gone).toEqual([]);
    }
    await advance(300);
    expect(await isDone(stopped)).toBe(true);
    expect(gone).toEqual(["play"]);
    const refused = play.wait({ ms: 1, text: "late" }).result();
    await advance(50);
    expect(await refused).toMatchObject({ ok: false, error: { code: "unavailable" } });
    const anew = play.enter({ user: "ann" });
    await advance(50);
    expect((await anew).server).toBe("play-2");
  });

  test("hold it up no longer than they last", async () => {
    const { server, client } = await start();
    const drained = server.drain();
    await advance(2_000);
    expect(await isDone(drained)).toBe(false);
    await client.close();
    await advance(100);
    expect(await isDone(drained)).toBe(true);
  });

  test("are let go when the service's onDrain says so", async () => {
    const { server, play, gone } = await start({ onDrain: () => wait(1_000) });
    const stopped = server.stop();
    await advance(900);
    const answer = play.wait({ ms: 20, text: "the last round" });
    await advance(50);
    expect((await answer).server).toBe("play-1");
    // A server that it has no link with has had its time to read the record before.
    await advance(400);
    expect(await isDone(stopped)).toBe(true);
    expect(gone).toEqual(["play"]);
  });

  test("what was pushed to them, and asked to be delivered, arrives", async () => {
    const { server, client, seen } = await start();
    const heard: string[] = [];
    client.service(PlayClient).onTold(({ text }) => heard.push(text));
    const delivered: Promise<{ missed: readonly string[] }>[] = [];
    const told = (text: string): void => void delivered.push(server.users("ann").deliver(PlayPush.told, { text }));
    told("before");
    const stopped = server.stop({ graceMs: 300 });
    for (let at = 0; at < 30; at++) {
      told(`during ${at}`);
      await advance(10);
    }
    await advance(500);
    expect(await isDone(stopped)).toBe(true);
    const outcomes = await Promise.allSettled(delivered);
    const reached = outcomes.filter((one) => one.status === "fulfilled" && one.value.missed.length === 0);
    expect(heard).toHaveLength(reached.length);
    expect(heard).toHaveLength(31);
    expect(seen.server?.id).toBe("play-1");
  });
});

test("a client whose handshake is being decided on when the drain begins is told to come again", async () => {
  let asked = false;
  let decide = (): void => {};
  const deciding = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const server = createServer({
    acceptors: [tcpAcceptor({ port: 0 })],
    authenticate: async () => {
      asked = true;
      await deciding;
      return undefined;
    },
    modules: [{ key: moduleKey("patient"), init: () => {}, onDrain: () => deciding }],
    log: silentLogger,
  });
  await server.start();
  const [host = "", port] = (server.addresses["tcp"] ?? "").split(":");
  const client = createClient({ transport: tcp({ host, port: Number(port) }) });
  const connected = client.connect().then(
    () => "in",
    (reason: unknown) => NanoError.from(reason),
  );
  await expect.poll(() => asked).toBe(true);
  const stopped = server.stop();
  decide();
  expect(await connected).toMatchObject({ code: "unavailable", metadata: { code: "moved" } });
  await stopped;
});

describe("what a draining server has pushed", () => {
  test("arrives before it ends, also over a link that is out of order for a while", async () => {
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    const server = await cluster.start({ id: "play-1", services: playServices(wait, { onDrain: () => {} }).services });
    const play = (await cluster.connect("gate-1")).service(PlayClient);
    const heard: string[] = [];
    play.onTold(({ text }) => heard.push(text));
    const entered = play.enter({ user: "ann" });
    await advance(50);
    await entered;
    const fault = cluster.cut("gate-1", "play-1");
    const told = server.users("ann").push(PlayPush.told, { text: "the last words" });
    const stopped = server.stop();
    await advance(4_000, 100);
    expect(await isDone(stopped)).toBe(false);
    await fault.heal();
    await advance(4_000, 100);
    expect(heard).toEqual(["the last words"]);
    expect(await told).toEqual({ missed: [] });
    expect(await isDone(stopped)).toBe(true);
  });
});

describe("drain()", () => {
  const hooked = (onDrain: Lifecycle["onDrain"]): Service[] => playServices(wait, onDrain ? { onDrain } : {}).services;

  test("gives the same promise each time; what comes later may only shorten it", async () => {
    const server = await cluster.start({ id: "play-1", services: hooked(() => new Promise(() => {})) });
    const began = cluster.now;
    const drained = server.drain();
    expect(server.drain()).toBe(drained);
    expect(server.drain({ graceMs: 60_000 })).toBe(drained);
    await advance(1_000, 100);
    expect(server.drain({ graceMs: 2_000 })).toBe(drained);
    await advance(1_900, 100);
    expect(await isDone(drained)).toBe(false);
    await advance(200, 100);
    expect(await isDone(drained)).toBe(true);
    expect(cluster.now - began).toBe(3_100);
  });

  test("is over after 30 s, whatever hangs; each hook has all of that time, and hears when it is over", async () => {
    const heard: string[] = [];
    const server = await cluster.start({
      id: "play-1",
      services: hooked((_server, { leftMs, signal }) => {
        heard.push(`${leftMs} left`);
        signal.addEventListener("abort", () => heard.push("over"));
        return new Promise(() => {});
      }),
    });
    const drained = server.drain();
    await advance(29_900, 100);
    expect(await isDone(drained)).toBe(false);
    expect(heard).toEqual(["30000 left"]);
    await advance(200, 100);
    expect(await isDone(drained)).toBe(true);
    expect(heard).toEqual(["30000 left", "over"]);
  });

  test("a hook that throws, or rejects, stops neither the others nor the drain", async () => {
    const log: string[] = [];
    const server = await cluster.start({
      id: "play-1",
      modules: [
        { key: { name: "one" }, init: () => {}, onDrain: () => Promise.reject(new Error("no")) },
        { key: { name: "two" }, init: () => "two", onDrain: (value) => void log.push(`${value} drains`) },
      ],
      services: hooked(() => {
        throw new Error("no");
      }),
    });
    const drained = server.drain();
    await advance(50);
    expect(await isDone(drained)).toBe(true);
    expect(log).toEqual(["two drains"]);
  });

  test("during the start begins when that is over", async () => {
    const steps: string[] = [];
    let stopped: Promise<void> | undefined;
    const { services } = playServices(wait, {
      init(server) {
        expect(server.readiness).toEqual({ state: "starting", ready: false, reasons: ["starting"] });
        stopped = server.stop();
      },
      afterInit: () => void steps.push("starts"),
      onDrain: () => void steps.push("drains"),
      beforeShutdown: () => void steps.push("is alone"),
      shutdown: () => void steps.push("ends"),
    });
    const server = await cluster.start({ id: "play-1", services });
    await advance(500);
    expect(await isDone(stopped ?? Promise.reject(new Error("not stopped")))).toBe(true);
    expect(steps).toEqual(["starts", "drains", "is alone", "ends"]);
    expect(server.readiness.state).toBe("stopped");
  });

  test("before the start leaves nothing to start", async () => {
    const server = createServer({ services: playServices(wait).services, log: silentLogger });
    await server.drain();
    await server.stop();
    await expect(server.start()).rejects.toMatchObject({ code: "failed_precondition" });
  });
});

describe("readiness", () => {
  test("says where a server stands, and whether discovery is away", async () => {
    const server = await cluster.start({ id: "play-1", services: playServices(wait, { onDrain: () => wait(500) }).services });
    expect(server.readiness).toEqual({ state: "ready", ready: true, reasons: [] });
    const stopped = server.stop();
    expect(server.readiness).toEqual({ state: "draining", ready: false, reasons: ["draining"] });
    await advance(700);
    await stopped;
    expect(server.readiness).toEqual({ state: "stopped", ready: false, reasons: ["stopped"] });
  });

  test("stays true while discovery is out of reach, and says so", async () => {
    const discovery = memory();
    let available: (available: boolean) => void = () => {};
    const away: Discovery = {
      name: "away",
      join(self, schema, events, host) {
        available = events.available;
        return discovery.join(self, schema, events, host);
      },
    };
    const server = createServer({ types: ["lone"], discovery: away, log: silentLogger });
    expect(server.readiness).toEqual({ state: "starting", ready: false, reasons: ["starting"] });
    await server.start();
    available(false);
    expect(server.readiness).toEqual({ state: "ready", ready: true, reasons: ["discovery away"] });
    available(true);
    expect(server.readiness.reasons).toEqual([]);
    available(false);
    const stopped = server.stop();
    expect(server.readiness.reasons).toEqual(["draining", "discovery away"]);
    await stopped;
    expect(server.readiness.reasons).toEqual(["stopped"]);
  });
});
