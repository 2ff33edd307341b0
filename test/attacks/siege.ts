import { execPath } from "node:process";
import { setTimeout as rest } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createClient as createConnectClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createServer, etcd, type Server, silentLogger, type TlsOptions } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { expect } from "vitest";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { WhoService } from "../schema/gen/play/v1/play_pb.ts";
import { startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import type { Account, VictimOptions, VictimPorts } from "./victim.ts";

/** How often each thing is tried. */
export const attempts = 1_000;

const mostHeld = 16 * 1_024 * 1_024;
const mostPeak = 192 * 1_024 * 1_024;
const prefix = "/attacked";

/** How a cluster is shut. */
interface Shut {
  readonly tokens?: readonly string[];
  /** By the ids of its servers: "gate-1", "play-1", and "honest-1", which is here. */
  readonly tls?: Readonly<Record<string, TlsOptions>>;
}

/** What grew during an attack: only what is more than before. */
type Growth = { readonly [name: string]: number | Growth };

/** A cluster that strangers are let loose on: real etcd, a process with a frontend and a backend, and a server and clients that mean no harm. */
export interface Siege {
  readonly ports: VictimPorts;
  readonly registry: Etcd;
  readonly prefix: string;
  /** The server that means no harm. */
  readonly honest: Server;
  account(): Promise<Account>;
  /**
   * Lets something bad happen while others ask for honest things without a pause, and looks that they got every answer and nothing else, that nobody else was served, and
   * that the process keeps nothing. Gives what was refused meanwhile, by server and reason.
   *
   * @param served Who else was to be served, and how often. The default is nobody.
   */
  beside(attack: () => Promise<void>, served?: Readonly<Record<string, number>>): Promise<Growth>;
  stop(): Promise<void>;
}

/** Somebody who asks, one time after another, until it is enough. */
class Honest {
  answered = 0;
  readonly name: string;
  readonly #ask: () => Promise<unknown>;
  /** Whether it asks no more: it was enough, or something was no answer. */
  over = false;
  #done: Promise<void> = Promise.resolve();

  constructor(name: string, ask: () => Promise<unknown>) {
    this.name = name;
    this.#ask = ask;
  }

  begin(): void {
    this.over = false;
    this.#done = this.#go().finally(() => {
      this.over = true;
    });
    this.#done.catch(() => {});
  }

  /** Resolves when the last answer has come. Rejects with the first that was none. */
  end(): Promise<void> {
    this.over = true;
    return this.#done;
  }

  async #go(): Promise<void> {
    while (!this.over) {
      await this.#ask();
      this.answered++;
      // Enough to notice a pause, and less than a client may: 100 a second.
      await rest(15);
    }
  }
}

export async function besiege({ tokens = [], tls = {} }: Shut): Promise<Siege> {
  const registry = await startEtcd();
  const { endpoint } = registry;
  const options: VictimOptions = { endpoint, prefix, tokens, tls };
  const victim = startChild(execPath, [
    "--conditions=nano-source",
    fileURLToPath(new URL("victim.ts", import.meta.url)),
    JSON.stringify(options),
  ]);
  const ready = await victim.line((line) => line.startsWith("ready "), 30_000);
  const ports: VictimPorts = JSON.parse(ready.slice("ready ".length));
  const own = tls["honest-1"];
  const honest = createServer({
    id: "honest-1",
    types: ["honest"],
    discovery: etcd({ endpoints: [endpoint], prefix }),
    cluster: { tokens, ...(own ? { tls: own } : {}) },
    log: silentLogger,
  });
  await honest.start();
  const plain = createConnectClient(
    WhoService,
    createConnectTransport({
      baseUrl: `${own ? "https" : "http"}://${ports.play}`,
      httpVersion: "2",
      ...(own ? { nodeOptions: { ca: own.ca, cert: own.cert, key: own.key, servername: own.serverName } } : {}),
    }),
  );
  const headers = { "nano-caller": "honest-plain", ...(tokens[0] ? { authorization: `Bearer ${tokens[0]}` } : {}) };
  const client = createClient({ transport: tcp({ host: "127.0.0.1", port: ports.tcp }) });
  await client.connect();
  const play = client.service(PlayClient);
  const told: string[] = [];
  play.onTold(({ text }) => told.push(text));
  const states: string[] = [];
  client.onState(({ name }) => states.push(name));
  await until(() => honest.servers().length, 10_000).toBe(3);
  await play.enter({ user: "ann" });

  const all = [
    new Honest("play.who.any by honest-1", () => honest.remote(WhoRemote, { server: "play-1" }).any({})),
    new Honest("play.who.any by honest-plain", () => plain.any({}, { headers })),
    new Honest("play.play.kept by ann", async () => expect((await play.kept({})).numbers).toEqual([])),
  ];
  let asked = 0;

  async function account(): Promise<Account> {
    const sign = `account ${++asked} `;
    victim.process.kill("SIGUSR2");
    return JSON.parse((await victim.line((line) => line.startsWith(sign), 30_000)).slice(sign.length)) as Account;
  }

  async function working(work: () => Promise<void>): Promise<void> {
    const before = all.map(({ answered }) => answered);
    for (const one of all) one.begin();
    await work();
    await until(() => all.every(({ answered, over }, at) => over || answered > (before[at] ?? 0) + 10), 20_000).toBe(true);
    await Promise.all(all.map((one) => one.end()));
  }

  // What a process keeps from its first calls is no attacker's doing.
  await working(async () => {});
  return {
    ...{ ports, registry, prefix, honest, account },
    async beside(attack, served = {}) {
      const before = await account();
      const answered = all.map((one) => one.answered);
      await working(attack);
      const after = await account();
      // Those who are answered are those who have asked, and nobody else.
      const asked = Object.fromEntries(all.map((one, at) => [one.name, one.answered - (answered[at] ?? 0)]));
      expect(growth(before.handled, after.handled)).toEqual({ ...asked, ...served });
      // Nobody has pushed to them, or kicked them.
      expect([told, states]).toEqual([[], []]);
      expect(after.heldBytes - before.heldBytes).toBeLessThan(mostHeld);
      expect(after.peakBytes - before.peakBytes).toBeLessThan(mostPeak);
      return growth(refusals(before), refusals(after));
    },
    async stop() {
      await client.close();
      await honest.stop({ graceMs: 100 });
      // It has come to no harm: it still stops as it should.
      expect(await victim.end("SIGTERM")).toBe(0);
      await registry.stop();
    },
  };
}

/** What is counted of refusals. Not who was too slow: on a busy machine strangers are sent away before they have done all that they came for. */
function refusals({ gate, play, frontend, failed }: Account): object {
  for (const { connectionsRefused } of [gate, play]) connectionsRefused.silent = 0;
  const { limits, refused, violations } = frontend;
  return { gate, play, frontend: { limits, refused, violations }, failed };
}

/** What is more than before, where anything is. */
function growth(before: object, after: object): Growth {
  const grown: Record<string, number | Growth> = {};
  for (const [name, value] of Object.entries(after)) {
    const former: unknown = Object(before)[name];
    if (typeof value === "number") {
      if (value !== former) grown[name] = value - Number(former ?? 0);
    } else if (typeof value === "object" && value !== null) {
      const inner = growth(Object(former ?? {}), value);
      if (Object.keys(inner).length > 0) grown[name] = inner;
    }
  }
  return grown;
}
