// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how nano-cli names a value
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createServer, type Server, silentLogger, tcp, webSocket } from "nano-rpc";
import { webSocket as byWebSocket, createClient } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";

const cli = ["--conditions=nano-source", "src/cli/main.ts"];

let server: Server;
let folder: string;

async function start(reflection: boolean): Promise<void> {
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, reflection, services: chatRooms() },
    acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })],
  });
  await server.start();
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-cli-"));
});

afterEach(async () => {
  await server.stop({ graceMs: 0 });
  await rm(folder, { recursive: true, force: true });
});

interface Ran {
  readonly out: string;
  readonly errors: string;
  readonly code: number | null;
}

/** Runs it to its end, with lines on its stdin. */
function run(args: readonly string[], lines: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(execPath, [...cli, ...args]);
    let [out, errors] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
    child.on("close", (code) => resolve({ out, errors, code }));
    child.stdin.end(lines.join("\n"));
  });
}

/** Runs a script in this process, where it is quicker. */
async function runHere(lines: readonly string[], ...flags: readonly string[]): Promise<Ran> {
  const [out, errors]: [string[], string[]] = [[], []];
  const script = join(folder, "script.nano");
  await writeFile(script, lines.join("\n"));
  const code = await runCommand(commands, ["talk", ws(), "--script", script, ...flags], {
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    interrupted: new AbortController().signal,
  });
  return { out: out.join("\n"), errors: errors.join("\n"), code };
}

const ws = (): string => `ws://${server.addresses["ws"]}`;

describe("nano-cli talks to a server that tells its schema", () => {
  test("asks, hears, keeps values, and sees that all is as expected", async () => {
    await start(true);
    const { out, errors, code } = await run(
      [ws()],
      [
        "# a comment, and an empty line",
        "",
        "describe room.room.join",
        "describe JoinResponse",
        "on room.room.said",
        'set name "ann  lee"',
        'request room.room.join {"room": "lobby", "name": ${name}}',
        'expect {"members": ["ann  lee"]}',
        'notify room.room.say {"text": "two  words, ${last.members[0]}"}',
        'expect push room.room.said {"text": "two  words, ann  lee"}',
        'expect {"name": "ann  lee"}',
        'request room.room.join {"room": "lobby", "name": ""}',
        "expect error invalid_argument",
        "last",
      ],
    );
    expect(errors).toBe("");
    expect(out.split("\n")).toEqual([
      `connected to ${ws()} (protobuf, 7 routes by reflection)`,
      "request  room.room.join",
      "  chat.v1.JoinRequest { room: string, name: string }",
      "  chat.v1.JoinResponse { members: string[] }",
      "chat.v1.JoinResponse { members: string[] }",
      '{"members":["ann  lee"]}',
      'room.room.said  {"name":"ann  lee","text":"two  words, ann  lee"}',
      "invalid_argument  a name has 1 to 32 characters",
      "nothing",
      "",
    ]);
    expect(code).toBe(0);
  });

  test("finds the way to HOST:PORT, and says what it found nowhere", async () => {
    await start(true);
    const at = server.addresses["tcp"] ?? "";
    const found = await run([at, "--json"], ["routes said"]);
    expect(
      found.out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([{ note: `connected to tcp://${at} (protobuf, 7 routes by reflection)` }, { note: "push     room.room.said" }]);
    const { errors, code } = await run(["tcp://127.0.0.1:1"], []);
    expect([errors.trim(), code]).toEqual([
      "nano-cli talk: no connection\n  tcp://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\nis the server running, and does it listen for clients there?",
      1,
    ]);
  });

  test("several sessions at once, each with its own pushes; packets in hex; a cut socket that comes back", async () => {
    await start(true);
    const { out, errors, code } = await run(
      [ws()],
      [
        'request room.room.join {"room": "lobby", "name": "ann"}',
        "on *",
        "session bob",
        `connect tcp://${server.addresses["tcp"]}`,
        'request room.room.join {"room": "lobby", "name": "bob"}',
        "session 1",
        'expect push room.room.joined {"name": "bob"}',
        "sessions",
        "session bob",
        "raw on",
        'request room.room.join {"room": "lobby", "name": "bob"}',
        "raw off",
        "disconnect",
        "session 1",
        'expect push room.room.left {"name": "bob"}',
      ],
    );
    expect([errors, code]).toEqual(["", 0]);
    expect(out).toContain('\n1 room.room.joined  {"name":"bob"}\n');
    expect(out).toContain(`\n  bob  tcp://${server.addresses["tcp"]}  open\n`);
    // A request by its code, room and name, and its answer.
    expect(out).toMatch(/\n-> 04[0-9a-f]{6}01?[0-9a-f]*0a056c6f6262791203626f62\n<- 04[0-9a-f]+03626f62\n/);
    expect(out).toContain('\nroom.room.left  {"name":"bob"}\n');
  });

  test.each([
    [
      "a request that failed and that nobody expected",
      ['request room.room.join {"room": ""}', "wait 0"],
      'line 1: it failed: {"code":"invalid_argument"',
    ],
    [
      "another answer",
      ['request room.room.join {"room": "a", "name": "b"}', 'expect {"members": []}'],
      'line 2: expected {"members": []}, but it was {"members":["b"]}',
    ],
    [
      "another error",
      ['request room.room.join {"room": ""}', "expect error not_found"],
      "line 2: expected not_found, but it failed",
    ],
    ["no such route", ["request room.room.leave {}"], "line 1: the server has no route room.room.leave"],
    ["a push that is not heard", ["off room.room.said"], "line 1: nobody listens to room.room.said"],
    ["a request of nothing", ["request"], "line 1: request which route?"],
    ["a notify of nothing", ["notify"], "line 1: notify which route?"],
    ["a push that has no name", ["on"], "line 1: on which push?"],
    ["an error that has no name", ["expect error"], "line 1: expect which error?"],
    ["an expectation of nothing", ["expect"], "line 1: expect JSON, expect error CODE, or expect push ROUTE [JSON]"],
    ["a push that does not come", ["expect push"], "line 1: expect which push?"],
    ["a time that is none", ["wait a bit"], "line 1: wait how many milliseconds?"],
    ["a value that has no name", ['set "ann"'], "line 1: set NAME JSON"],
    ["a switch that is neither", ["raw maybe"], 'line 1: it is "on" or "off", not "maybe"'],
    ["an address that is none", ["connect nowhere"], "line 1: "],
    ["a session that has no name", ["session"], "line 1: session which?"],
    ["a session that is not open", ["session bob", "request room.room.join {}"], 'line 2: not connected: "connect ADDRESS"'],
    ["a message that is not there", ["describe Nobody"], "line 1: there is no route or message Nobody"],
    ["a push that is asked", ["request room.room.said {}"], "line 1: room.room.said is a push"],
    ["no such field", ['request room.room.join {"nick": "b"}'], "line 1: that is no chat.v1.JoinRequest: "],
    ["no JSON", ["request room.room.join {room}"], "line 1: that is no JSON: "],
    ["no such value", ["request room.room.join ${last}"], "line 1: there is no ${last}"],
    ["no such word", ["ask room.room.join"], 'line 1: there is no "ask"'],
  ])("a script fails at %s", async (_what, lines, words) => {
    await start(true);
    const { errors, code } = await runHere([...lines, "expect never"]);
    expect(errors).toContain(`nano-cli talk: ${words}`);
    expect(code).toBe(1);
  });

  test("a script in a file; a late push breaks nothing; credentials in the handshake", async () => {
    await start(true);
    const script = join(folder, "join.nano");
    await writeFile(
      script,
      'handshake\non *\nrequest room.room.join {"room":"lobby","name":"ann"}\nnotify room.room.say {"text":"late"}\n',
    );
    const { out, errors, code } = await run([ws(), "--user", '{"token": "t 1"}', "--script", script], []);
    expect([errors, code]).toEqual(["", 0]);
    expect(out).toContain('\n{"sys":{"platform":"nano-cli"},"user":{"token":"t 1"}}\n{"members":["ann"]}\n');
    expect(await run([ws(), "--script", join(folder, "none")], [])).toMatchObject({ code: 1 });
  });
});

test("answers and pushes over several lines; what was typed", async () => {
  await start(true);
  const { out, errors, code } = await runHere([
    "on room.room.said pretty",
    'request room.room.join {"room": "lobby", "name": "ann"}',
    "pretty",
    "last",
    "pretty off",
    'notify room.room.say {"text": "hi"}',
    "expect push room.room.said",
    "off *",
    "history room.room.s",
  ]);
  expect([errors, code]).toEqual(["", 0]);
  expect(out.split("\n").slice(1)).toEqual([
    '{"members":["ann"]}',
    ...["{", '  "members": [', '    "ann"', "  ]", "}"],
    ...["room.room.said  {", '  "name": "ann",', '  "text": "hi"', "}"],
    ...["on room.room.said pretty", 'notify room.room.say {"text": "hi"}', "expect push room.room.said", "history room.room.s"],
  ]);
});

test("a server that tells nothing is spoken to by its .proto, or an image of it", async () => {
  await start(false);
  const lines = [
    "routes join",
    "describe Said",
    "on *",
    'request room.room.join {"room": "lobby", "name": "ann"}',
    'notify room.room.say {"text": "hi"}',
    'expect push room.room.said {"name": "ann", "text": "hi"}',
  ];
  const proto = "examples/chat/proto";
  const { out, errors, code } = await runHere(lines.toSpliced(1, 1), "--schema", proto);
  expect([errors, code]).toEqual(["", 0]);
  expect(out.split("\n")).toEqual([
    `connected to ${ws()} (protobuf, 5 routes by ${proto})`,
    "request  room.room.join",
    "push     room.room.joined",
    '{"members":["ann"]}',
    'room.room.said  {"name":"ann","text":"hi"}',
  ]);
  const image = join(folder, "chat.binpb");
  expect(spawnSync("buf", ["build", proto, "-o", image]).status).toBe(0);
  const json = await runHere(
    ["describe SaidResponse", 'request room.room.join {"nick": "bob"}'],
    "--schema",
    image,
    "--encoding",
    "json",
  );
  expect(json.out.split("\n")).toEqual([
    `connected to ${ws()} (json, 5 routes by ${image})`,
    "chat.v1.SaidResponse { name: string, text: string }",
  ]);
  expect(json.errors).toContain("that is no chat.v1.JoinRequest");
  expect((await runHere([], "--schema", "nowhere")).errors).toBe("nano-cli talk: nowhere is no file and no folder");
  expect((await runHere([], "--schema", "third_party/protovalidate")).errors).toContain("it has no routes");
});

test("a socket is cut, and how the client came back is told", async () => {
  await start(true);
  const { out, errors, code } = await runHere([
    "resume",
    'request room.room.join {"room": "lobby", "name": "ann"}',
    'expect {"members": ["ann"]}',
  ]);
  expect([errors, code]).toEqual(["", 0]);
  expect(out).toMatch(/^dropped; back in \d+ ms, by resume$/m);
});

test("pushes that count themselves are counted over the cut", async () => {
  await start(true);
  const bob = createClient({ transport: byWebSocket(ws()) });
  await bob.connect();
  const room = bob.service(RoomClient);
  await room.join({ room: "lobby", name: "bob" });
  let said = 0;
  const speaking = setInterval(() => room.say({ text: `${++said}` }), 20);
  try {
    const join = 'request room.room.join {"room": "lobby", "name": "ann"}';
    const { out, errors, code } = await runHere([join, "resume room.room.said text"]);
    expect([errors, code]).toEqual(["", 0]);
    expect(out).toMatch(/^dropped; back in \d+ ms, by resume, 0 pushes missing, 0 doubled$/m);
    expect((await runHere([join.replace("ann", "eve"), "resume room.room.said name"])).errors).toContain(
      "has no whole number in name",
    );
    expect((await runHere(["resume room.room.said"])).errors).toContain("which field counts?");
  } finally {
    clearInterval(speaking);
    await bob.close();
  }
});

test("what others say does not steer the terminal", async () => {
  await start(true);
  const { out, code } = await runHere([
    'request room.room.join {"room": "lobby", "name": "ann"}',
    'notify room.room.say {"text": "\\u009b2Ja\\u001b[2Jb\\u007f"}',
    "expect push room.room.said",
  ]);
  expect(code).toBe(0);
  expect(out).toContain('{"name":"ann","text":"\\u009b2Ja\\u001b[2Jb\\u007f"}');
});

test("a server that tells nothing is spoken to in plain JSON", async () => {
  await start(false);
  const { out, errors, code } = await run(
    [ws()],
    [
      "on room.room.said",
      'request room.room.join {"room": "lobby", "name": "ann"}',
      'expect {"members": ["ann"]}',
      'notify room.room.say {"text": "hi"}',
      'expect push room.room.said {"text": "hi"}',
      'request no.such.route {"a": [1, null]}',
      "expect error not_found",
    ],
  );
  expect([errors, code]).toEqual(["", 0]);
  expect(out).toMatch(/^connected to \S+ \(json, no schema, --schema FOLDER reads one: any JSON goes, pushes by name\)\n/);
  const typed = await run([ws(), "--encoding", "protobuf"], []);
  expect(typed.errors).toContain("reflection is off");
  expect(typed.code).toBe(1);
});
