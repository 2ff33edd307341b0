import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, etcd, type Server, silentLogger, webSocket } from "nano-rpc";
import { webSocket as byWebSocket, type Client, createClient, next } from "nano-rpc/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { commands } from "../../src/cli/commands.ts";
import { lookAtFiles, lookAtNode } from "../../src/cli/doctor/machine.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";

const token = "a token of thirty-two bytes, or so";
const module = "examples/chat/gen/chat/v1/chat_nano.ts";
let registry: Etcd;
let server: Server;
let folder: string;
let tokenFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-cluster-"));
  tokenFile = join(folder, "token");
  await writeFile(tokenFile, `${token}\n`);
  registry = await startEtcd();
  server = createServer({
    ...{ id: "gate-1", version: "1.2.3", types: ["gate"], log: silentLogger, reflection: true, services: chatRooms() },
    ...{ discovery: etcd({ endpoints: registry.endpoint }), cluster: { tokens: [token] }, acceptors: [webSocket({ port: 0 })] },
    authenticate: ({ user }) => ({ user: (user as { readonly name: string }).name }),
  });
  await server.start();
}, 60_000);

afterAll(async () => {
  await server?.stop({ graceMs: 0 });
  await registry?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const code = await runCommand(commands, args, { print: say, complain: say, interrupted: new AbortController().signal });
  return { code, out: lines.join("\n") };
}

const cluster = (): string[] => ["--etcd", registry.endpoint, "--token-file", tokenFile];

async function enter(name: string): Promise<Client> {
  const client = createClient({
    transport: byWebSocket(`ws://${server.addresses["ws"]}`),
    handshake: { user: { name } },
    reconnect: false,
  });
  client.service(RoomClient);
  await client.connect();
  return client;
}

test("servers: what discovery holds, for people and machines; records of strangers are told apart", async () => {
  const { code, out } = await run("servers", ...cluster());
  expect(out).toMatch(
    /^id +types +state +clients +address +version +metadata\ngate-1 +gate,room +ready +frontend +127\.0\.0\.1:\d+ +1\.2\.3 +-$/,
  );
  expect(code).toBe(0);
  const { out: json } = await run("servers", ...cluster(), "--json");
  expect(JSON.parse(json)).toMatchObject({ id: "gate-1", types: ["gate", "room"], state: "ready", frontend: true });
  const other = join(folder, "other");
  await writeFile(other, "another token of thirty-two bytes..");
  const { out: strange } = await run("servers", "--etcd", registry.endpoint, "--token-file", other);
  expect(strange).toBe(
    "there are no servers: another --prefix, or a --token-file?\n2 records are not signed by this cluster's token, and nobody believes them",
  );
}, 60_000);

test("push and kick reach users through the cluster, and say who is not there", async () => {
  const ann = await enter("ann");
  const said = next(ann.service(RoomClient).onSaid, { timeoutMs: 30_000 });
  const pushed = await run(
    "push",
    "room.room.said",
    '{"name": "ops", "text": "tea time"}',
    module,
    "--to",
    "ann",
    "--to",
    "bob",
    ...cluster(),
  );
  expect(pushed).toEqual({ code: 1, out: "pushed to ann\nbob is not connected" });
  expect(await said).toMatchObject({ name: "ops", text: "tea time" });
  const gone = new Promise((resolve) => ann.onState((state) => state.name === "closed" && resolve(state.reason)));
  const kicked = await run("kick", "ann", "--code", "busy", "--reason", "we close", ...cluster());
  expect(kicked).toEqual({ code: 0, out: "kicked ann" });
  expect(await gone).toMatchObject({ code: "busy", message: expect.stringContaining("we close") });
}, 60_000);

test("somebody who talks to a server reaches the cluster too: servers, push, kick", async () => {
  const ann = await enter("ann");
  const said = next(ann.service(RoomClient).onSaid, { timeoutMs: 30_000 });
  const gone = new Promise((resolve) => ann.onState((state) => state.name === "closed" && resolve(state.reason)));
  const script = join(folder, "ops.nano");
  const at = `ws://${server.addresses["ws"]}`;
  const talk = async (lines: readonly string[], ...more: string[]) => {
    await writeFile(script, lines.join("\n"));
    return await run("talk", at, "--user", '{"name": "ops"}', "--script", script, ...more);
  };
  const told = await talk(
    ["cluster", "servers", 'push ann room.room.said {"name": "ops", "text": "tea"}', "kick ann we close"],
    ...cluster(),
  );
  expect(told.out.split("\n").slice(1)).toEqual([
    `${registry.endpoint}, prefix /nano, with a token`,
    expect.stringMatching(/^id +types/),
    expect.stringMatching(/^gate-1 +gate,room +ready +frontend/),
    "pushed to ann",
    "kicked ann",
  ]);
  expect(told.code).toBe(0);
  expect(await said).toMatchObject({ name: "ops", text: "tea" });
  expect(await gone).toMatchObject({ code: "permission_denied", message: expect.stringContaining("we close") });
  const named = await talk([`cluster etcd://${registry.endpoint} ${tokenFile}`, "servers"], "--json");
  expect(named.out.split("\n").map((line) => JSON.parse(line))).toMatchObject([{}, { server: { id: "gate-1", state: "ready" } }]);
  for (const [line, words] of [
    ["servers", "line 1: which cluster?"],
    ["cluster 127.0.0.1:1 nowhere", "line 1: the token cannot be read"],
    ["kick", "line 1: kick whom?"],
    ["push ann", "line 1: push what to whom?"],
    [`cluster ${registry.endpoint} ${tokenFile}\nkick bob`, "line 2: bob is not connected"],
    [`cluster ${registry.endpoint} ${tokenFile}\npush ann room.room.shout {}`, "line 2: there is no push room.room.shout"],
    [`cluster ${registry.endpoint} ${tokenFile}\npush ann room.room.said {"txt": 1}`, "line 2: that is no chat.v1.SaidResponse"],
  ] as const) {
    const { code, out } = await talk([line]);
    expect([code, out]).toEqual([1, expect.stringContaining(words)]);
  }
}, 90_000);

test.each<[string[], string]>([
  [["servers"], "--etcd ENDPOINTS is missing"],
  [["servers", "--etcd", "x", "--token-file", "nowhere"], "the token cannot be read"],
  [["servers", "--etcd", "127.0.0.1:1", "--prefix", "nano"], '"nano" is no prefix for etcd'],
  [["kick", "--etcd", "x"], "USER is missing"],
  [["push", "room.room.said", "{}", module, "--etcd", "x"], "--to USER is missing"],
  [
    ["push", "room.room.shout", "{}", module, "--to", "ann", "--etcd", "x"],
    "has no push room.room.shout: it has room.room.joined, room.room.left, room.room.said",
  ],
  [["push", "room.room.said", '{"txt": 1}', module, "--to", "ann", "--etcd", "x"], "that is no chat.v1.SaidResponse"],
  [["doctor", "--port", "70000"], '--port is [HOST:]PORT, not "70000"'],
  [["doctor", "now"], "it takes no now"],
])("%j is refused", async (args, words) => {
  const { code, out } = await run(...args);
  expect(out).toContain(words);
  expect(code).toBe(1);
});

test("doctor finds a healthy cluster healthy, and says what is wrong with another, and what to do", async () => {
  const healthy = await run("doctor", ...cluster());
  expect(healthy.out).toMatch(/^ok {7}Node: \d+/);
  expect(healthy.out).toMatch(new RegExp(`^ok {7}etcd ${registry.endpoint}: answers \\(\\d+ ms\\), 1 servers under /nano$`, "m"));
  expect(healthy.out).toMatch(/^ok {7}server gate-1: ready, reached at 127\.0\.0\.1:\d+$/m);
  expect(healthy.out).toContain(`ok       clock beside http://${registry.endpoint}: the same, to within two seconds`);
  expect(healthy.code).toBe(0);
  // A machine whose clock stands, and a port that is taken.
  const late = createHttp((_request, response) => void response.setHeader("date", "Mon, 01 Jan 2024 00:00:00 GMT").end("{}"));
  await new Promise<void>((resolve) => late.listen(0, "127.0.0.1", resolve));
  const { port } = late.address() as AddressInfo;
  try {
    const ill = await run("doctor", "--port", `${port}`, "--etcd", `127.0.0.1:${port}`);
    expect(ill.out).toMatch(
      new RegExp(`^WRONG {4}port 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\\n {9}somebody listens there: stop it`, "m"),
    );
    expect(ill.out).toMatch(/^WRONG {4}etcd .*\n {9}is it running, and is this its client port\?/m);
    expect(ill.out).toMatch(/^WRONG {4}clock beside .*: \d+ s apart\n {9}let a time service set both/m);
    expect(ill.code).toBe(1);
  } finally {
    late.closeAllConnections();
    late.close();
  }
}, 90_000);

test("an old Node and few open files are seen", () => {
  expect(lookAtNode("22.17.1")).toMatchObject({ state: "wrong", remedy: "nano wants 22.18 or newer: install a current Node" });
  expect(lookAtNode("24.0.0").state).toBe("well");
  expect(lookAtFiles("Max open files            1024                 4096                 files")).toMatchObject([
    { state: "warning" },
  ]);
  expect(lookAtFiles("Max open files            unlimited            unlimited            files")).toMatchObject([
    { state: "well" },
  ]);
});
