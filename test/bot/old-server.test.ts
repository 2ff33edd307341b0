import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runBots } from "../../src/bot/run-bots.ts";
import { selfSigned } from "../net/self-signed.ts";
import { freePort } from "../support/port.ts";
import { type OldServer, startOldServer } from "./old-server.ts";

let server: OldServer;
let folder: string;
const identity = selfSigned();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-old-"));
  server = await startOldServer(identity);
});
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const text = (value: string) => ({ type: "string", value });
const fine = { "$response.code": text("200") };

/** As pitaya-bot's own example: hooks on both sides of a player who is made, comes back, and finds a match. */
const match = {
  numberOfInstances: 2,
  preRun: { function: "redis", args: { name: "test" } },
  sequentialOperations: [
    {
      ...{ type: "request", uri: "connector.player.create", expect: fine },
      store: { token: text("$response.player.accessToken") },
    },
    { type: "function", uri: "reconnect" },
    {
      ...{ type: "request", uri: "connector.player.authenticate", args: { accessToken: text("$store.token") } },
      expect: { ...fine, "$response.player.accessToken": text("$store.token") },
    },
    { type: "notify", uri: "connector.player.look", args: { at: text("two  words") } },
    { type: "request", uri: "connector.player.findMatch", args: { roomType: text("default") }, expect: fine },
    {
      ...{ type: "listen", uri: "connector.player.found", timeout: 20_000 },
      expect: { ...fine, "$response.ip": text("127.0.0.1"), "$response.port": { type: "int", value: 9_090 } },
    },
  ],
  postRun: { function: "saveToFile" },
};

async function run(spec: object, ...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const file = join(folder, "spec.json");
  await writeFile(file, JSON.stringify(spec));
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const interrupted = new AbortController().signal;
  const code = await runBots(["run", file, ...args], { print: say, complain: say, screen: undefined, interrupted });
  return { code, out: lines.join("\n") };
}

test.each(["tcp", "tls", "ws"] as const)(
  "a spec runs against a server that is not nano's, over %s",
  async (way) => {
    const ca = join(folder, "ca.pem");
    await writeFile(ca, identity.cert);
    const { preRun, ...spec } = match;
    const { code, out } = await run(spec, "--url", server[way], "--ca", ca);
    expect(out).toMatch(/passed$/);
    expect(code).toBe(0);
    expect(out).toContain("held: spec [5] listen connector.player.found (2 of 2)");
  },
  60_000,
);

test("what users begin with comes from Redis, and goes back; what they have kept goes into a file", async () => {
  const port = await freePort();
  const redis = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--requirepass", "p w"]);
  const client = createClient({ url: `redis://:p%20w@127.0.0.1:${port}` });
  try {
    for await (const line of createInterface({ input: redis.stdout })) if (line.includes("Ready to accept")) break;
    await client.connect();
    await client.sAdd("test:available", ['{"name":"ann"}', '{"name":"bób"}']);
    const save = join(folder, "kept");
    const at = ["--url", server.tcp, "--redis", `redis://:p%20w@127.0.0.1:${port}`];
    const passed = await run(match, ...at, "--save", save);
    expect([passed.code, passed.out.split("\n").at(-1)]).toEqual([0, "passed"]);
    const kept = (await readFile(save, "utf8"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(kept.map(({ name }) => name).sort()).toEqual(["ann", "bób"]);
    expect(kept.every(({ token }) => /^[0-9a-f-]{36}$/.test(token))).toBe(true);
    expect((await client.sMembers("test:used")).sort()).toEqual(['{"name":"ann"}', '{"name":"bób"}']);
    // Nobody has brought anything back: the next finds nothing, and says so.
    const empty = await run(match, ...at);
    expect(empty.out).toContain("preRun: test:available is empty: there are more users than states");
    expect(empty.code).toBe(1);
    await client.sAdd("test:available", ['{"name":"eve"}', '{"name":"kim"}']);
    const back = await run({ ...match, postRun: match.preRun }, ...at);
    expect([back.code, back.out.split("\n").at(-1)]).toEqual([0, "passed"]);
    const returned = (await client.sMembers("test:available")).map((one) => JSON.parse(one));
    expect(returned.map(({ name }) => name).sort()).toEqual(["eve", "kim"]);
    expect(returned.every(({ token }) => typeof token === "string")).toBe(true);
    const refused = await run(match, "--url", server.tcp, "--redis", `127.0.0.1:${port}`);
    expect(refused.out).toContain(`redis 127.0.0.1:${port}: NOAUTH`);
  } finally {
    client.destroy();
    redis.kill("SIGKILL");
  }
}, 60_000);

test.each<[object, string[], string]>([
  [{ preRun: match.preRun }, [], "preRun: redis wants --redis HOST:PORT"],
  [{ preRun: { function: "redis" } }, ["--redis", "127.0.0.1:1"], "preRun: args.name is the name of its set in Redis"],
  [{ preRun: { function: "saveToFile" } }, [], "preRun: there is redis"],
  [{ postRun: { function: "mail" } }, [], "postRun: there is redis, saveToFile"],
  [{ preRun: { function: "mail" } }, [], 'pitaya-bot itself does nothing with another name: leave it out, or give "store"'],
  [{ sequentialOperations: [{ request: "a.b.c" }] }, [], 'an early form: write "type": "request", "uri": "a.b.c"'],
  [{}, ["--duration", "1m"], "--duration is pitaya-bot's: specs are played again with --users N --for MS"],
  [{}, ["--config=config.yaml"], "--url tcp://HOST:PORT, or tls://HOST:PORT"],
  [{}, ["-d", "specs"], "-d is pitaya-bot's: name the folder itself"],
  [{}, ["-t", "local"], "--processes N plays in so many processes"],
  [{}, ["config/config.yaml"], "config/config.yaml: pitaya-bot's config is not read"],
  [{}, ["--timeout", "soon"], '--timeout is a whole number from 1, not "soon"'],
  [{}, ["--redis", "http://x"], "--redis is HOST:PORT, or redis://HOST:PORT"],
])("%j with %j cannot begin", async (hooks, args, words) => {
  const { sequentialOperations } = match;
  const { code, out } = await run({ sequentialOperations, ...hooks }, "--url", server.tcp, ...args);
  expect(out).toContain(words);
  expect(code).toBe(2);
});
