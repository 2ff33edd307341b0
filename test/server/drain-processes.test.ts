import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { execPath } from "node:process";
import { setTimeout } from "node:timers/promises";
import { createServer, moduleKey, silentLogger, tcp as tcpAcceptor, webSocket } from "nano-rpc";
import { type Client, createClient, NanoError, type Transport } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
const children: Child[] = [];
const clients: Client[] = [];

interface Started {
  readonly child: Child;
  readonly address: string;
}

async function start(id: string, role: "gate" | "desk", drains: "soon" | "never" = "soon"): Promise<Started> {
  const child = startChild(execPath, ["--conditions=nano-source", "test/server/desk-server.ts", id, role, etcd.endpoint, drains]);
  children.push(child);
  const line = await child.line((text) => text.startsWith("ready "), 60_000);
  const addresses: Record<string, string> = JSON.parse(line.slice("ready ".length));
  return { child, address: addresses["tcp"] ?? "" };
}

/** Clients that come in by any of some gates, as a balancer would have it: those that take nobody are passed by. */
function balanced(addresses: readonly string[]): Transport & { readonly last: string } {
  let next = 0;
  const balancer = {
    name: "balanced",
    last: "",
    async open(...args: Parameters<Transport["open"]>): ReturnType<Transport["open"]> {
      const address = addresses[next++ % addresses.length] ?? "";
      const [host = "", port] = address.split(":");
      balancer.last = address;
      return tcp({ host, port: Number(port) }).open(...args);
    },
  };
  return balancer;
}

async function connect(transport: Transport): Promise<Client> {
  const client = createClient({ transport, reconnect: { minDelayMs: 50, maxDelayMs: 500 } });
  clients.push(client);
  await client.connect();
  return client;
}

/** Asks and asks, each client one thing after the other, until it is told to end. */
function steadily(desks: readonly DeskClient[]) {
  const answered: string[] = [];
  const failed: string[] = [];
  let over = false;
  const all = desks.map(async (desk, at) => {
    for (let number = 0; !over; number++) {
      const word = `${at}/${number}`;
      const outcome = await desk.do({ word }).result();
      if (outcome.ok) answered.push(word);
      else failed.push(`${word}: ${NanoError.from(outcome.error).code}: ${outcome.error.message}`);
      await setTimeout(2);
    }
  });
  return {
    answered,
    failed,
    async end() {
      over = true;
      await Promise.all(all);
    },
  };
}

async function handledBy(child: Child): Promise<string[]> {
  const line = await child.line((text) => text.startsWith("handled "));
  return JSON.parse(line.slice("handled ".length));
}

/** What becomes of a connection to an address. */
function knock(address: string): Promise<string> {
  const [host, port] = address.split(":");
  return new Promise((resolve) => {
    const socket = connectSocket({ host, port: Number(port) }, () => {
      socket.destroy();
      resolve("open");
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

beforeAll(async () => {
  etcd = await startEtcd();
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all(children.map((child) => child.end("SIGKILL")));
  await etcd?.stop();
});

describe("SIGTERM", () => {
  test("three backends in turn, at a steady load: no request is lost, doubled or failed; nor with etcd away", async () => {
    const gate = await start("gate-1", "gate");
    let desks = await Promise.all(["desk-1", "desk-2", "desk-3"].map((id) => start(id, "desk")));
    const load = steadily(
      (await Promise.all(Array.from({ length: 20 }, () => connect(balanced([gate.address]))))).map((one) =>
        one.service(DeskClient),
      ),
    );
    const handled: string[] = [];
    const restart = async (at: number, id: string): Promise<void> => {
      const { child } = desks[at] ?? gate;
      expect(await child.end("SIGTERM")).toBe(0);
      handled.push(...(await handledBy(child)));
      const fresh = await start(id, "desk");
      desks = desks.with(at, fresh);
    };
    for (const at of [0, 1, 2]) await restart(at, `desk-${at + 4}`);
    await etcd.kill();
    const last = desks[0]?.child;
    expect(await last?.end("SIGTERM")).toBe(0);
    if (last) handled.push(...(await handledBy(last)));
    // It goes on for a while with who is left.
    const before = load.answered.length;
    await expect.poll(() => load.answered.length, { timeout: 30_000 }).toBeGreaterThan(before + 50);
    await load.end();
    await etcd.restart();
    for (const { child } of desks.slice(1)) {
      await child.end("SIGTERM");
      handled.push(...(await handledBy(child)));
    }
    expect(load.failed).toEqual([]);
    expect(load.answered.length).toBeGreaterThan(500);
    expect(handled.sort()).toEqual(load.answered.sort());
    await gate.child.end("SIGTERM");
  }, 240_000);

  test("of a gate: its clients are all at the other afterwards, with their sessions, and no request has failed", async () => {
    const [one, two] = [await start("gate-2", "gate"), await start("gate-3", "gate")];
    await start("desk-9", "desk");
    const transports = Array.from({ length: 40 }, () => balanced([one.address, two.address]));
    const here = await Promise.all(transports.map(connect));
    const vias: string[] = [];
    for (const client of here) client.onState((state) => state.name === "open" && vias.push(state.via));
    const load = steadily(here.map((client) => client.service(DeskClient)));
    await expect.poll(() => load.answered.length, { timeout: 10_000 }).toBeGreaterThan(200);
    expect(await one.child.end("SIGTERM")).toBe(0);
    await expect.poll(() => here.every((client) => client.state.name === "open"), { timeout: 20_000 }).toBe(true);
    await load.end();
    expect(transports.map(({ last }) => last)).toEqual(here.map(() => two.address));
    expect(vias).toEqual(here.map(() => "moved"));
    expect(load.failed).toEqual([]);
    await two.child.end("SIGTERM");
  }, 60_000);

  test("shuts the port of a gate at once: a balancer that knocks sees it", async () => {
    const gate = createServer({
      acceptors: [tcpAcceptor({ port: 0 }), webSocket({ port: 0 })],
      modules: [
        {
          key: moduleKey("slow"),
          init: () => {},
          onDrain: (_value, _server, { signal }) => once(signal, "abort").then(() => {}),
        },
      ],
      log: silentLogger,
    });
    await gate.start();
    const addresses = Object.values(gate.addresses);
    expect(await Promise.all(addresses.map(knock))).toEqual(["open", "open"]);
    const stopped = gate.stop();
    await expect.poll(() => Promise.all(addresses.map(knock))).toEqual(["ECONNREFUSED", "ECONNREFUSED"]);
    expect(gate.readiness.state).toBe("draining");
    expect(gate.stop({ graceMs: 100 })).toBe(stopped);
    await stopped;
  });

  test.each([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)(
    "a second signal ends a process at once: %s gives the exit code %i",
    async (signal, code) => {
      const { child } = await start(`desk-${signal}`, "desk", "never");
      const ended = child.end("SIGTERM");
      await child.line((text) => text === "draining");
      child.process.kill(signal);
      expect(await ended).toBe(code);
    },
    30_000,
  );
});
