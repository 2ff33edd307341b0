import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, silentLogger, webSocket } from "nano-rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { startOldServer } from "../bot/old-server.ts";
import { selfSigned } from "../net/self-signed.ts";

let folder: string;
let server: Server;
/** What `authenticate` was asked with. */
let told: object[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-handshake-"));
  told = [];
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, reflection: true, services: chatRooms() },
    acceptors: [webSocket({ port: 0 })],
    authenticate({ platform, version, user }) {
      told.push({ platform, version, user });
      return undefined;
    },
  });
  await server.start();
});

afterEach(async () => {
  await server.stop({ graceMs: 0 });
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly out: readonly string[];
  readonly errors: string;
  readonly code: number;
}

async function talk(lines: readonly string[], ...flags: readonly string[]): Promise<Ran> {
  const [out, errors]: [string[], string[]] = [[], []];
  const script = join(folder, "script.nano");
  await writeFile(script, lines.join("\n"));
  const code = await runCommand(commands, ["talk", "--script", script, ...flags], {
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    interrupted: new AbortController().signal,
  });
  return { out, errors: errors.join("\n"), code };
}

async function file(content: string): Promise<string> {
  const path = join(folder, "handshake.json");
  await writeFile(path, content);
  return path;
}

const ws = (): string => `ws://${server.addresses["ws"]}`;

test("what a line sets is what the next connect tells, until it is set back", async () => {
  const { out, errors, code } = await talk([
    'handshake user {"token": "t 1"}',
    "handshake platform ios",
    "handshake clientVersion 2.1 beta",
    `connect ${ws()}`,
    "handshake",
    "handshake platform",
    "handshake clientVersion",
    'handshake {"token": "t 2"}',
    `connect ${ws()}`,
    "handshake user",
    `connect ${ws()}`,
    "handshake",
  ]);
  expect([errors, code]).toEqual(["", 0]);
  expect(told.at(0)).toEqual({ platform: "ios", version: "2.1 beta", user: { token: "t 1" } });
  expect(told).toContainEqual({ platform: "nano-cli", version: "", user: { token: "t 2" } });
  expect(told.at(-1)).toEqual({ platform: "nano-cli", version: "", user: undefined });
  expect(out.filter((line) => line.startsWith("{"))).toEqual([
    '{"sys":{"platform":"ios","clientVersion":"2.1 beta"},"user":{"token":"t 1"}}',
    '{"sys":{"platform":"nano-cli"}}',
  ]);
});

test("a file tells all of it; what a flag says goes before", async () => {
  const path = await file('{"sys": {"platform": "mac", "clientVersion": "2.1", "serializer": "json"}, "user": {"age": 30}}');
  const whole = { platform: "mac", version: "2.1", user: { age: 30 } };
  const byFlag = await talk([`connect ${ws()}`], "--handshake", path);
  expect(byFlag).toMatchObject({ errors: "", code: 0, out: [`connected to ${ws()} (json, 7 routes by reflection)`] });
  expect(told.at(-1)).toEqual(whole);
  const byLine = await talk([`handshake file ${path}`, "handshake serializer protobuf", `connect ${ws()}`]);
  expect(byLine).toMatchObject({ errors: "", code: 0, out: [`connected to ${ws()} (protobuf, 7 routes by reflection)`] });
  expect(told.at(-1)).toEqual(whole);
  const both = await talk([`connect ${ws()}`], "--handshake", path, "--user", '{"age": 31}', "--encoding", "protobuf");
  expect(both).toMatchObject({ errors: "", code: 0, out: [`connected to ${ws()} (protobuf, 7 routes by reflection)`] });
  expect(told.at(-1)).toEqual({ ...whole, user: { age: 31 } });
});

test("servers of the old family are told what they look for", async () => {
  const old = await startOldServer(selfSigned());
  try {
    const lines = ["handshake libVersion 0.3.5-release", "handshake clientBuildNumber 20", "handshake type unity-socket"];
    const { errors, code } = await talk([...lines, "handshake version 1.0", `connect ${old.tcp}`]);
    expect([errors, code]).toEqual(["", 0]);
    const sys = {
      platform: "nano-cli",
      libVersion: "0.3.5-release",
      clientBuildNumber: "20",
      type: "unity-socket",
      version: "1.0",
    };
    expect(old.handshakes.at(-1)).toMatchObject({ sys });
  } finally {
    await old.stop();
  }
});

test.each([
  ["handshake plattform ios", 'there is no "plattform"; it has user, platform, clientVersion, clientBuildNumber, libVersion'],
  ["handshake nano {}", "sys.nano is what nano-cli says for itself"],
  ["handshake serializer xml", 'sys.serializer is json or protobuf, which nano-cli speaks, not "xml"'],
  ["handshake 3", "user is an object"],
  ['handshake user ["token"]', "user is an object"],
  ["handshake user {token}", "that is no JSON"],
  ["handshake file", "which file?"],
  ["handshake file /nowhere.json", "/nowhere.json: ENOENT"],
])("%s: names what is wrong", async (line, words) => {
  const { errors, code } = await talk([line]);
  expect(errors).toContain(words);
  expect(code).toBe(1);
});

test.each([
  ["{sys}", /handshake: .*handshake\.json: .*JSON/],
  ["[]", /handshake: .*handshake\.json is an object/],
  ['{"sys": 3}', /handshake: sys is an object, .* not 3/],
  ['{"sys": {"clientBuildNumber": 20}}', /handshake: sys\.clientBuildNumber is a text, not 20/],
  ['{"sys": {"user": {}}}', /handshake: "user" stands beside "sys", not in it/],
  ['{"platform": "ios"}', /handshake: .*handshake\.json has "platform" beside "sys" and "user"/],
])("a file with %s: names what is wrong", async (content, words) => {
  const path = await file(content);
  expect((await talk([`handshake file ${path}`])).errors).toMatch(words);
  const byFlag = await talk([], "--handshake", path);
  expect(byFlag.errors).toMatch(words);
  expect(byFlag.code).toBe(1);
});
