import { execPath } from "node:process";
import { type Client, createClient, next, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import type { Ready } from "../../examples/chat/src/chat.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
let gate: Child;
const rooms = new Map<string, Child>();
const clients: Client[] = [];
let ready: Ready;

function startRole(id: string, roles: string, more: readonly string[] = []): Child {
  return startChild(execPath, [
    ...["--conditions=nano-source", "examples/chat/src/main.ts", "--id", id, "--roles", roles],
    ...["--discovery", `etcd://${etcd.endpoint}`, "--prefix", "/test", ...more],
  ]);
}

async function readyOf(child: Child): Promise<Ready> {
  const line = await child.line((text) => text.startsWith("ready "));
  return JSON.parse(line.slice("ready ".length)) as Ready;
}

async function connect(over: "ws" | "tcp"): Promise<Client> {
  const transport = over === "ws" ? webSocket(`ws://127.0.0.1:${ready.ws}`) : tcp({ host: "127.0.0.1", port: ready.tcp ?? 0 });
  const client = createClient({ transport, encoding: over === "ws" ? "protobuf" : "json" });
  clients.push(client);
  await client.connect();
  return client;
}

beforeAll(async () => {
  etcd = await startEtcd();
  gate = startRole("gate-1", "gate", ["--ws", "0", "--tcp", "0"]);
  for (const id of ["room-1", "room-2"]) rooms.set(id, startRole(id, "room"));
  [ready] = await Promise.all([readyOf(gate), ...[...rooms.values()].map(readyOf)]);
}, 60_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all([gate, ...rooms.values()].map((child) => child?.end("SIGKILL")));
  await etcd?.stop();
});

describe("a gate and two rooms, found through etcd", () => {
  test("people of both transports chat, and a killed room hurts only its own", async () => {
    // Enough rooms that each server has one.
    const names = Array.from({ length: 8 }, (_, at) => `room ${at}`);
    const watchers = new Map<string, { client: Client; service: RoomClient }>();
    for (const [at, room] of names.entries()) {
      const client = await connect(at % 2 === 0 ? "ws" : "tcp");
      const service = client.service(RoomClient);
      await expect.poll(async () => (await service.join({ room, name: "ann" }).result()).ok, { timeout: 10_000 }).toBe(true);
      watchers.set(room, { client, service });
    }
    for (const { service } of watchers.values()) {
      const heard = next(service.onSaid);
      service.say({ text: "hello" });
      expect((await heard).text).toBe("hello");
    }

    await rooms.get("room-1")?.end("SIGKILL");
    let gone = 0;
    for (const { client, service } of watchers.values()) {
      const outcome = await Promise.race([
        next(service.onSaid, { timeoutMs: 15_000 }).then(() => "said"),
        next(client.onFailed, { timeoutMs: 15_000 }).then(({ code }) => code),
        Promise.resolve()
          .then(() => service.say({ text: "still there?" }))
          .then(() => new Promise<string>(() => {})),
      ]);
      if (outcome === "unavailable") gone++;
      else expect(outcome).toBe("said");
    }
    expect(gone).toBeGreaterThan(0);
    expect(gone).toBeLessThan(names.length);
  }, 60_000);

  test("SIGTERM ends a process with exit code 0", async () => {
    expect(await gate.end("SIGTERM")).toBe(0);
    expect(await rooms.get("room-2")?.end("SIGTERM")).toBe(0);
  }, 60_000);
});
