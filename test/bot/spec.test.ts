import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import { createServer, silentLogger, tcp, webSocket } from "nano-rpc";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { runBots } from "../../src/bot/run-bots.ts";
import { unmet } from "../../src/bot/spec/expectations.ts";
import type { SpecOperation } from "../../src/bot/spec/spec.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type BotServer, startBotServer } from "./chat-bots.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-spec-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = (value: string) => ({ type: "string", value });

/** What pitaya-bot runs, word for word: all kinds of operations, and values that come from answers. */
const joinAndSay = {
  numberOfInstances: 3,
  sequentialOperations: [
    {
      ...{ type: "request", uri: "room.room.join", args: { room: text("lobby"), name: text("$store.me") } },
      expect: { "$response.members": { type: "array", op: "exists", value: [] } },
    },
    { type: "function", uri: "reconnect" },
    {
      ...{ type: "request", uri: "room.room.join", args: { room: text("$store.room"), name: text("$store.me") } },
      expect: { "$response.members[0]": text("$store.me"), '$response["members"][0]': text("$store.me") },
      store: { first: text("$response.members[0]"), id: text("$util.uuid") },
    },
    { type: "notify", uri: "room.room.say", args: { text: text("$store.id") } },
    {
      ...{ type: "listen", uri: "room.room.said", timeout: 20_000 },
      expect: { "$response.text": text("$store.id"), "$response.name": text("$store.me") },
      schema: { type: "object", required: ["name", "text"], properties: { name: { type: "string", pattern: "^a" } } },
    },
    { type: "function", uri: "disconnect" },
    { type: "function", uri: "sleep", timeout: 1 },
    { type: "function", uri: "connect" },
    { type: "request", uri: "room.room.join", args: { room: text("cellar"), name: text("$store.first") } },
  ],
};

describe("specs of pitaya-bot", () => {
  let server: BotServer;
  beforeEach(async () => {
    server = await startBotServer();
  });
  afterEach(() => server.stop());

  async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const interrupted = new AbortController().signal;
    const code = await runBots(["run", ...args], { print: say, complain: say, screen: undefined, interrupted });
    return { code, out: lines.join("\n") };
  }

  test("a folder of them runs, each user once, over TCP and over WebSocket", async () => {
    await mkdir(join(folder, "more"));
    // Rooms of one's own: the first member is the user itself.
    for (const name of ["a1", "a2"]) {
      const store = { me: name, room: `room-${name}` };
      const spec = { ...joinAndSay, name, numberOfInstances: 1, store };
      await writeFile(join(folder, name === "a1" ? "one.json" : "more/two.json"), JSON.stringify(spec));
    }
    for (const url of [server.tcpUrl, server.url]) {
      const json = join(folder, "figures");
      const { code, out } = await run(folder, "--url", url, "--json", json);
      expect(out).toMatch(/passed$/);
      expect(code).toBe(0);
      const report = JSON.parse(await readFile(json, "utf8"));
      expect(report).toMatchObject({ users: 2, failed: 0, broken: {} });
      expect(report.calls.find(({ route }: { route: string }) => route === "room.room.join").answered).toBe(6);
      expect(report.checks.length).toBe(6);
    }
  }, 60_000);

  test("over TLS, with TCP and WebSocket, by the authority that is named, or any", async () => {
    const tls = selfSigned();
    const secure = createServer({
      ...{ id: "gate-1", log: silentLogger, services: chatRooms() },
      acceptors: [tcp({ port: 0, tls }), webSocket({ port: 0, tls })],
    });
    await secure.start();
    try {
      const [spec, ca] = [join(folder, "spec.json"), join(folder, "ca.pem")];
      const operations = [
        {
          ...{ type: "request", uri: "room.room.join", args: { room: text("lobby"), name: text("ann") } },
          expect: { "$response.members[0]": text("ann") },
        },
      ];
      await writeFile(spec, JSON.stringify({ sequentialOperations: operations }));
      await writeFile(ca, tls.cert);
      for (const url of [`tls://${secure.addresses["tcp"]}`, `wss://${secure.addresses["ws"]}`]) {
        expect(await run(spec, "--url", url, "--ca", ca)).toMatchObject({ code: 0, out: expect.stringMatching(/passed$/) });
        expect(await run(spec, "--url", url, "--insecure")).toMatchObject({ code: 0 });
        expect(await run(spec, "--url", url)).toMatchObject({ code: 1, out: expect.stringContaining("(connect)") });
      }
    } finally {
      await secure.stop({ graceMs: 0 });
    }
  }, 60_000);

  test("what is not as it should be ends its user, is told, and fails the run", async () => {
    const file = join(folder, "wrong.json");
    await writeFile(
      file,
      JSON.stringify({
        sequentialOperations: [
          {
            ...{ type: "request", uri: "room.room.join", args: { room: text("lobby"), name: text("ann") } },
            expect: { "$response.members[0]": text("bob") },
          },
        ],
      }),
    );
    const { code, out } = await run(file, "--url", server.tcpUrl);
    expect(out).toContain('Error: wrong [0] request room.room.join: $response.members[0] should be "bob", but it is "ann"');
    expect(out).toContain("FAILED: 0 % of the checks held");
    expect(code).toBe(1);
  }, 60_000);

  test("a request that the server refuses fails the run; a user who is another server's goes there", async () => {
    const other = await startBotServer();
    try {
      const file = join(folder, "elsewhere.json");
      const connect = { type: "function", uri: "connect", args: { host: text(other.tcpUrl.slice("tcp://".length)) } };
      const join2 = (name: string) => ({ type: "request", uri: "room.room.join", args: { room: text("a"), name: text(name) } });
      const operations = [{ type: "function", uri: "disconnect" }, connect, join2("ann"), join2("")];
      await writeFile(file, JSON.stringify({ sequentialOperations: operations }));
      const { code, out } = await run(file, "--url", server.tcpUrl);
      expect(out).toContain("1 x room.room.join: invalid_argument");
      expect(out).toContain("33.3333 % of the calls failed, more than 0 %");
      expect(code).toBe(1);
      const seen = await (await fetch(other.metrics)).text();
      expect(seen).toMatch(/^nano_connections_accepted_total 1$/m);
    } finally {
      await other.stop();
    }
  }, 60_000);

  test.each<[string, unknown, string]>([
    ["no JSON", "{", "Expected property name"],
    ["nothing to do", { sequentialOperations: [] }, "sequentialOperations: it is a list, and not empty"],
    [
      "a hook",
      { sequentialOperations: [{ type: "request", uri: "a" }], preRun: { function: "redis" } },
      "preRun: args.name is the name of its set in Redis",
    ],
    [
      "an unknown kind",
      { sequentialOperations: [{ type: "ask", uri: "a" }] },
      "sequentialOperations[0].type: it is one of request",
    ],
    ["no route", { sequentialOperations: [{ type: "request", uri: "" }] }, "sequentialOperations[0].uri: it is a route"],
    ["an unknown function", { sequentialOperations: [{ type: "function", uri: "dance" }] }, "there are the functions connect"],
    [
      "a value of no type",
      { sequentialOperations: [{ type: "request", uri: "a", args: { b: { type: "text", value: "" } } }] },
      "args.b.type: it is one of",
    ],
    [
      "an unknown comparison",
      { sequentialOperations: [{ type: "request", uri: "a", expect: { "$response.b": { type: "int", value: 1, op: "near" } } }] },
      "op: it is one of eq",
    ],
    [
      "an unknown word of a schema",
      { sequentialOperations: [{ type: "request", uri: "a", schema: { oneOf: [] } }] },
      "schema.oneOf: of JSON Schema there is",
    ],
  ])("%s is refused, with its place", async (_what, spec, words) => {
    const file = join(folder, "wrong.json");
    await writeFile(file, typeof spec === "string" ? spec : JSON.stringify(spec));
    const { code, out } = await run(file, "--url", server.url);
    expect(out).toContain(words);
    expect(out).toContain("wrong.json");
    expect(code).toBe(2);
  });

  test("specs speak JSON", async () => {
    const { out, code } = await run(folder, "--url", server.url, "--encoding", "protobuf");
    expect(out).toContain("specs speak JSON");
    expect(code).toBe(2);
  });
});

describe("what an answer must be", () => {
  const response: JsonValue = { n: 3.5, big: 7, name: "ann", tags: ["a", "b"], deep: { list: [{ ok: true }] }, none: null };
  test.each<[Partial<SpecOperation>, string | undefined]>([
    [{ expect: { "$response.n": { type: "float", value: 3.5 } } }, undefined],
    // As the original does.
    [{ expect: { "$response.n": { type: "int", value: 3 } } }, undefined],
    [{ expect: { "$response.n": { type: "float", op: "gte", value: 3.6 } } }, "$response.n should be gte 3.6, but it is 3.5"],
    [{ expect: { "$response.big": { type: "int", op: "lt", value: 8 } } }, undefined],
    [{ expect: { "$response.name": { type: "int", op: "lt", value: 8 } } }, '$response.name should be lt 8, but it is "ann"'],
    [{ expect: { "$response.name": { type: "string", op: "matches", value: "^a.n$" } } }, undefined],
    [
      { expect: { "$response.name": { type: "string", op: "ne", value: "ann" } } },
      '$response.name should be ne "ann", but it is "ann"',
    ],
    [{ expect: { "$response.tags": { type: "string", op: "contains", value: "b" } } }, undefined],
    [{ expect: { "$response.deep.list[0].ok": { type: "bool", value: true } } }, undefined],
    [
      { expect: { "$response.deep.list[1].ok": { type: "bool", value: true } } },
      "$response.deep.list[1].ok should be true, but there is none",
    ],
    [{ expect: { "$response.gone": { type: "bool", op: "exists", value: false } } }, undefined],
    [{ expect: { "$response.none": { type: "string", value: "<nil>" } } }, undefined],
    [
      {
        expect: {
          "$response.deep": {
            type: "object",
            value: { list: { type: "array", value: [{ type: "object", value: { ok: { type: "bool", value: true } } }] } },
          },
        },
      },
      undefined,
    ],
    [
      { schema: { type: "object", properties: { n: { type: "integer" } } } },
      "$response.n should be of type integer, but it is 3.5",
    ],
    [{ schema: { properties: { tags: { items: { enum: ["a"] } } } } }, '$response.tags[1] should be one of ["a"], but it is "b"'],
    [{ schema: { properties: { big: { maximum: 5 } } } }, "$response.big: its value should be at most 5, but it is 7"],
    [
      { schema: { properties: { tags: { minItems: 3 } } } },
      "$response.tags: its number of items should be at least 3, but it is 2",
    ],
    [{ schema: { required: ["gone"] } }, "$response.gone should be there, but there is none"],
  ])("%j", (operation, words) => {
    expect(unmet({ type: "request", uri: "a.b.c", ...operation }, { store: new Map(), response })).toBe(words);
  });
});
