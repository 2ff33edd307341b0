// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how nano-cli names a value
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
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
import { verbs } from "../../src/cli/talk/verbs.ts";
import { until } from "../net/recorder.ts";

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
async function runHere(lines: readonly string[]): Promise<Ran> {
  const [out, errors]: [string[], string[]] = [[], []];
  const script = join(folder, "script.nano");
  await writeFile(script, lines.join("\n"));
  const code = await runCommand(commands, ["talk", ws(), "--script", script], {
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
      "nano-cli talk: no connection\n  tcp://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1",
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
        "session",
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
    expect(out).toContain('\n{"token":"t 1"}\n{"members":["ann"]}\n');
    expect(await run([ws(), "--script", join(folder, "none")], [])).toMatchObject({ code: 1 });
  });
});

test("the page's example says what the page says, and the page has all that there is", async () => {
  await start(true);
  const page = await readFile("docs/cli.md", "utf8");
  const block = (kind: string): string => new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\``, "ms").exec(page)?.[1] ?? "";
  const { out, errors, code } = await runHere(block("nano").split("\n"));
  expect([errors, code]).toEqual(["", 0]);
  expect(`${out.slice(out.indexOf("\n") + 1)}\n`).toBe(block("text"));
  for (const { name } of verbs) expect(page).toContain(`| \`${name}`);
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
  expect(out).toMatch(/^connected to \S+ \(json, no schema: any JSON goes, pushes by name\)\n/);
  const typed = await run([ws(), "--encoding", "protobuf"], []);
  expect(typed.errors).toContain("reflection is off");
  expect(typed.code).toBe(1);
});

describe("at a terminal", () => {
  test("completes, keeps what was typed, and shows pushes above the line that is being typed", async () => {
    await start(true);
    const env = { ...process.env, HOME: folder, NO_COLOR: "1", TERM: "xterm" };
    // `script` of util-linux gives it a terminal.
    const child = spawn("script", ["-qfc", [execPath, ...cli, ws()].join(" "), "/dev/null"], { env });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    const shows = (text: string): Promise<void> => until(() => out.includes(text), 20_000).toBe(true);
    try {
      await shows("7 routes by reflection");
      // A tab that comes with more behind it was pasted, and is none.
      const type = async (text: string, shown: string): Promise<void> => {
        child.stdin.write(text);
        await shows(shown);
      };
      await type("req", "req");
      await type("\t", "request ");
      await type("room.room.jo", "room.room.jo");
      await type("\t", "room.room.join");
      await type(' {"ro', '{"ro');
      await type("\t", '"room": ');
      child.stdin.write('"lobby", "name": "ann"}\r');
      await shows('{"members":["ann"]}');
      child.stdin.write('on *\rnotify room.room.say {"text": "hi"}\rhalf a li');
      await shows('room.room.said  {"name":"ann","text":"hi"}');
      // The line is there again behind the push, and is gone on with.
      await until(() => out.slice(out.lastIndexOf("room.room.said  {")).includes("> half a li"), 20_000).toBe(true);
      child.stdin.write("\u0015exit\r");
      await new Promise((resolve) => child.once("close", resolve));
    } finally {
      child.kill("SIGKILL");
    }
    const history = join(folder, ".nano_cli_history");
    expect((await stat(history)).mode & 0o777).toBe(0o600);
    expect((await readFile(history, "utf8")).split("\n")).toContain('request room.room.join {"room": "lobby", "name": "ann"}');
  });
});
