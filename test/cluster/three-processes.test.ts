import { execPath } from "node:process";
import { type Client, createClient, next, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import type { Ready } from "../../examples/chat/src/chat.ts";
import { type Child, startChild } from "../support/child.ts";
import { enterChat, startChromium } from "../support/chromium.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

let etcd: Etcd;
let browser: Browser;
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
  [etcd, browser] = await Promise.all([startEtcd(), startChromium()]);
  gate = startRole("gate-1", "gate", ["--ws", "0", "--tcp", "0", "--http", "0"]);
  for (const id of ["room-1", "room-2"]) rooms.set(id, startRole(id, "room"));
  [ready] = await Promise.all([readyOf(gate), ...[...rooms.values()].map(readyOf)]);
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await Promise.all(clients.map((client) => client.close()));
  await Promise.all([gate, ...rooms.values()].map((child) => child?.end("SIGKILL")));
  await etcd?.stop();
});

/** Somebody in a room, at the generated client or at the page. */
interface Person {
  readonly room: string;
  /** Says it, and tells what became of it: "said" where it was heard, else the code or the text of the failure. */
  fate(text: string): Promise<string>;
}

interface Caller extends Person {
  readonly service: RoomClient;
}

async function atClient(over: "ws" | "tcp", room: string): Promise<Caller> {
  const client = await connect(over);
  const service = client.service(RoomClient);
  // The gate may not know a room server yet that was ready a moment ago.
  await expect.poll(async () => (await service.join({ room, name: over }).result()).ok, { timeout: 10_000 }).toBe(true);
  return {
    room,
    service,
    async fate(text) {
      const waits = { timeoutMs: 15_000 };
      const said = next(service.onSaid, { ...waits, where: (push) => push.text === text }).then(() => "said");
      const failed = next(client.onFailed, waits).then(({ code }) => code);
      service.say({ text });
      return Promise.race([said, failed]);
    },
  };
}

async function atPage(room: string): Promise<Person> {
  const page = await enterChat(browser, ready.http ?? 0, { name: "page", room });
  // On a machine that has much else to do the first try may be too slow for its deadline: the page says so, and its user asks again.
  const inside = async (): Promise<boolean> => {
    if (await page.textContent("#problem")) await page.click("#enter button");
    return page.isVisible("#chat");
  };
  await expect.poll(inside, { timeout: 30_000, interval: 500 }).toBe(true);
  return {
    room,
    async fate(text) {
      await page.fill("#text", text);
      await page.click("#say button");
      const failed = page.waitForSelector("#lines >> text=not said").then(() => "unavailable");
      const said = page.waitForSelector(`#lines >> text=${text}`).then(() => "said");
      const fate = await Promise.race([said, failed]);
      Promise.allSettled([said, failed]);
      return fate;
    },
  };
}

describe("a gate and two rooms, found through etcd", () => {
  test("clients of TCP, WebSocket and a browser chat, and a room that is killed hurts only its own", async () => {
    // Enough rooms that each server has some.
    const names = Array.from({ length: 6 }, (_, at) => `room ${at}`);
    const callers = await Promise.all(names.flatMap((room) => [atClient("ws", room), atClient("tcp", room)]));
    const people: Person[] = [...callers, ...(await Promise.all(names.map(atPage)))];
    expect(new Set(await Promise.all(people.map((person, at) => person.fate(`hello ${at}`))))).toEqual(new Set(["said"]));

    // Frozen first, so that requests and notifies are under way when it dies.
    const room1 = rooms.get("room-1");
    room1?.process.kill("SIGSTOP");
    const answers = callers.map(({ room, service }, at) => service.join({ room, name: at % 2 === 0 ? "ws" : "tcp" }).result());
    const fates = people.map((person, at) => person.fate(`still there ${at}`));
    await Promise.any(fates);
    await room1?.end("SIGKILL");

    const dead = new Set<string>();
    for (const [at, { room }] of people.entries()) {
      const [fate, answer] = [await fates[at], await answers[at]];
      if (fate === "unavailable") dead.add(room);
      else expect(fate).toBe("said");
      if (answer) expect(answer.ok ? "said" : answer.error.code).toBe(fate);
    }
    expect(dead.size).toBeGreaterThan(0);
    expect(dead.size).toBeLessThan(names.length);

    // Afterwards too: the others go on, and to what is gone nothing is said in silence.
    const later = await Promise.all(people.map((person, at) => person.fate(`and now ${at}`)));
    expect(later).toEqual(people.map(({ room }) => (dead.has(room) ? "unavailable" : "said")));
  }, 60_000);

  test("SIGTERM ends a process with exit code 0", async () => {
    expect(await gate.end("SIGTERM")).toBe(0);
    expect(await rooms.get("room-2")?.end("SIGTERM")).toBe(0);
  }, 60_000);
});
