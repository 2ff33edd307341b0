// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how nano-cli names a value
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createServer, implement, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomHandler } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { startOldServer } from "../bot/old-server.ts";
import { until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-ways-"));
});

afterEach(async () => {
  await server?.stop({ graceMs: 0 });
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly out: readonly string[];
  readonly errors: string;
  readonly code: number;
}

async function talk(address: string, lines: readonly string[], ...flags: readonly string[]): Promise<Ran> {
  const [out, errors]: [string[], string[]] = [[], []];
  const script = join(folder, "script.nano");
  await writeFile(script, lines.join("\n"));
  const code = await runCommand(commands, ["talk", address, "--script", script, ...flags], {
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    interrupted: new AbortController().signal,
  });
  return { out, errors: errors.join("\n"), code };
}

describe("over TLS", () => {
  const tls = selfSigned();
  beforeEach(async () => {
    server = createServer({
      ...{ id: "gate-1", log: silentLogger, reflection: true, services: chatRooms() },
      acceptors: [tcp({ port: 0, tls }), webSocket({ port: 0, tls })],
    });
    await server.start();
    await writeFile(join(folder, "ca.pem"), tls.cert);
  });
  const join_ = ['request room.room.join {"room": "lobby", "name": "ann"}', 'expect {"members": ["ann"]}'];

  test.each(["tls", "wss"] as const)(
    "%s: a certificate is verified, by the authority that is named, unless told not to",
    async (scheme) => {
      const place = server?.addresses[scheme === "tls" ? "tcp" : "ws"] ?? "";
      const url = `${scheme}://${place}`;
      const refused = await talk(url, join_);
      expect(refused.code).toBe(1);
      expect(refused.errors).toMatch(/no connection\n {2}.*certificate/);
      expect(refused.errors).toContain("--ca FILE names its authority, --insecure takes any");
      for (const flags of [["--ca", join(folder, "ca.pem")], ["--insecure"]]) {
        expect(await talk(url, join_, ...flags)).toMatchObject({ errors: "", code: 0 });
        // HOST:PORT finds it by itself.
        const found = await talk(place, join_, ...flags);
        expect(found.out[0]).toBe(`connected to ${url} (protobuf, 7 routes by reflection)`);
      }
      expect((await talk(url, join_, "--ca", "nowhere")).errors).toContain("--ca: ENOENT");
    },
  );

  test("whoever knocks at the wrong door is told so", async () => {
    const place = server?.addresses["tcp"] ?? "";
    const { errors } = await talk(`ws://${place}`, join_);
    expect(errors).toContain(`something listens there, but not by ws://, it seems: "nano-cli ${place}" tries all four ways`);
  });
});

test("a server of the old family is spoken to in plain JSON, over TCP, TLS and WebSocket, whatever its dictionary says", async () => {
  const old = await startOldServer(selfSigned());
  try {
    const lines = [
      "request connector.player.create",
      "set token ${last.player.accessToken}",
      'request connector.player.authenticate {"accessToken": "${token}"}',
      'expect {"code": "200", "player": {"accessToken": ${token}}}',
      // Nobody tells what there is: a push is heard from when it is named.
      "on connector.player.found",
      "request connector.player.findMatch",
      'expect push connector.player.found {"port": 9090}',
      "routes",
    ];
    for (const url of [old.tcp, old.ws, old.tls]) {
      const { out, errors, code } = await talk(url, lines, "--insecure");
      expect(out[0]).toBe(`connected to ${url} (json, no schema, --schema FOLDER reads one: any JSON goes, pushes by name)`);
      expect(errors).toContain("line 8: the server does not tell its schema (reflection is off): --schema FOLDER");
      expect(code).toBe(1);
    }
    // Where nobody answers a stranger's bytes all ways take the time of one.
    const found = await talk(old.tcp.slice("tcp://".length), lines.slice(0, 1));
    expect(found).toMatchObject({ errors: "", code: 0 });
    expect(found.out[0]).toContain(`connected to ${old.tcp} (json`);
  } finally {
    await old.stop();
  }
}, 60_000);

test("an answer that comes late breaks nothing: it is nobody's, and the next is the right one", async () => {
  const waiting: (() => void)[] = [];
  let released = false;
  const slow = implement(RoomHandler, {
    async join({ name }, { session }) {
      if (name === "slow" && !released) await new Promise<void>((resolve) => waiting.push(resolve));
      released ||= name === "go on";
      if (released) for (const go of waiting) go();
      await session.bind(name);
      return { members: [name] };
    },
    say: () => {},
  });
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, reflection: true, services: [slow] },
    acceptors: [webSocket({ port: 0 })],
  });
  await server.start();
  const url = `ws://${server.addresses["ws"]}`;
  const lines = [
    'request room.room.join {"name": "slow"}',
    "expect error deadline_exceeded",
    "session other",
    `connect ${url}`,
    'request room.room.join {"name": "go on"}',
    "session 1",
    // Its answer comes behind the late one, in their order.
    'request room.room.join {"name": "slow", "room": "lobby"}',
    'expect {"members": ["slow"]}',
  ];
  const { errors, code } = await talk(url, lines, "--timeout", "500");
  expect([errors, code]).toEqual(["", 0]);
});

test("a push that came before anybody asked is expected too, in its own session alone", async () => {
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, reflection: true, services: chatRooms() },
    acceptors: [webSocket({ port: 0 })],
  });
  await server.start();
  const url = `ws://${server.addresses["ws"]}`;
  const { out, errors, code } = await talk(url, [
    'request room.room.join {"room": "lobby", "name": "ann"}',
    "session bob",
    `connect ${url}`,
    'request room.room.join {"room": "attic", "name": "bob"}',
    'notify room.room.say {"text": "from the attic"}',
    'expect push room.room.said {"name": "bob"}',
    // Said, and answered for, before it is asked for.
    'notify room.room.say {"text": "again"}',
    'request room.room.join {"room": "attic", "name": "bob"}',
    'expect push room.room.said {"text": "again"}',
    "session 1",
    "expect push room.room.said",
  ]);
  expect(out).toContain('bob room.room.said  {"name":"bob","text":"again"}');
  // Nobody has said anything in the lobby.
  expect([errors, code]).toEqual(["nano-cli talk: line 11: no such push came within 5000 ms", 1]);
}, 30_000);

test.each([true, false])(
  "a notify that was not handled is told of, where the schema is known (%j) and where not",
  async (reflection) => {
    server = createServer({
      ...{ id: "gate-1", log: silentLogger, reflection, services: chatRooms() },
      acceptors: [webSocket({ port: 0 })],
    });
    await server.start();
    const lines = ['notify room.room.say {"text": "hi"}', 'request room.room.join {"room": "lobby", "name": "ann"}'];
    const url = `ws://${server.addresses["ws"]}`;
    const { out, errors, code } = await talk(url, lines);
    expect([errors, code]).toEqual(["", 0]);
    expect(out.slice(1)).toEqual([expect.stringMatching(/^room\.room\.say {2}unauthenticated {2}\S/), '{"members":["ann"]}']);
    const json = await talk(url, lines, "--json");
    const said = JSON.parse(json.out[1] ?? "");
    expect(said).toMatchObject({ failed: "room.room.say", code: "unauthenticated", message: expect.any(String) });
  },
);

test("a host that nobody knows is said to be unknown", async () => {
  const { errors, code } = await talk("ws://nowhere.invalid:3250", []);
  expect(errors).toMatch(/\n {2}ws:\/\/nowhere\.invalid:3250: .*\nno such host is known here: is its name right\?$/);
  expect(code).toBe(1);
});

test("a server that sends somebody away says why", async () => {
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, reflection: true, services: chatRooms() },
    acceptors: [webSocket({ port: 0 })],
    authenticate: ({ user }) => ({ user: (user as { readonly name: string }).name }),
  });
  await server.start();
  const url = `ws://${server.addresses["ws"]}`;
  const again = ["session other", `connect ${url}`, "session 1", "wait 60000"];
  const child = spawn(execPath, ["--conditions=nano-source", "src/cli/main.ts", url, "--user", '{"name": "ann"}']);
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    child.stdin.write(`${again.join("\n")}\n`);
    // The same user twice: the first goes.
    await until(() => /^1: closed: [a-z_]+, \S.*$/m.test(out), 20_000).toBe(true);
    // It waits for a minute, and for more lines; told to end it ends.
    child.kill("SIGTERM");
    expect(await ended).toBe(1);
  } finally {
    child.kill("SIGKILL");
  }
}, 60_000);
