// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is how nano-cli names a value
import { readFileSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createServer, type Server, type Service, silentLogger, webSocket } from "nano-rpc";
import { webSocket as byWebSocket, createClient } from "nano-rpc/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { until } from "../net/recorder.ts";
import { rulesServices } from "../validation/rules.ts";
import { hasTmux, openTerminal, type Terminal } from "./terminal.ts";

const there = hasTmux();
if (!there) console.warn("tmux is not installed: what nano-cli does at a terminal is not tested");

let server: Server;
let folder: string;
let terminal: Terminal | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-cli-"));
});

afterEach(async () => {
  terminal?.close();
  terminal = undefined;
  await server?.stop({ graceMs: 0 });
  await rm(folder, { recursive: true, force: true });
});

async function open(services: readonly Service[], env: Readonly<Record<string, string>> = { NO_COLOR: "1" }): Promise<Terminal> {
  server = createServer({ id: "gate-1", log: silentLogger, reflection: true, services, acceptors: [webSocket({ port: 0 })] });
  await server.start();
  const command = [execPath, "--conditions=nano-source", "src/cli/main.ts", `ws://${server.addresses["ws"]}`];
  terminal = openTerminal(command, { HOME: folder, ...env });
  await terminal.shows(/routes by reflection\)\n>/);
  return terminal;
}

/** A tab that comes with more behind it was pasted, and is none: each waits until what stands before it is there. */
async function complete(at: Terminal, text: string, shown: string | RegExp): Promise<void> {
  at.type(text);
  await at.shows(text.trimEnd());
  at.press("Tab");
  await at.shows(shown);
}

test.runIf(there)(
  "completes commands, routes and fields, keeps what was typed, and shows pushes above the line that is being typed",
  async () => {
    const at = await open(chatRooms());
    await complete(at, "req", "> request");
    await complete(at, "room.room.jo", "> request room.room.join");
    await complete(at, ' {"ro', '> request room.room.join {"room":');
    at.type('"lobby", "name": "ann"}');
    at.press("Enter");
    await at.shows('{"members":["ann"]}');
    at.type("on *");
    at.press("Enter");
    at.type('notify room.room.say {"text": "hi"}');
    at.press("Enter");
    at.type("half a li");
    // The line is there again behind the push, and is gone on with.
    await at.shows(/room\.room\.said {2}\{"name":"ann","text":"hi"\}\n> half a li/);
    at.type("ne");
    await at.shows(/^> half a line$/m);
    at.press("C-u");
    await complete(at, "expect push room.room.sa", "> expect push room.room.said");
    at.press("C-u");
    await complete(at, "push ann room.room.sa", "> push ann room.room.said");
    at.press("C-u");
    // By the arrows, and as a list.
    at.press("Up", "Up", "Up");
    await at.shows(/^> request room\.room\.join \{"room": "lobby", "name": "ann"\}$/m);
    at.press("C-u");
    at.type("history on");
    at.press("Enter");
    await at.shows(/^> history on\non \*\nhistory on\n>/m);
    at.type("exit");
    at.press("Enter");
    const history = join(folder, ".nano_cli_history");
    const lines = (): string[] => readFileSync(history, "utf8").split("\n");
    await until(() => lines()[0], 20_000).toBe("exit");
    expect(statSync(history).mode & 0o777).toBe(0o600);
    expect(lines()).toContain('request room.room.join {"room": "lobby", "name": "ann"}');
  },
  90_000,
);

test.runIf(there)(
  "says what to do where it was given no address",
  async () => {
    server = createServer({ id: "gate-1", log: silentLogger, services: chatRooms(), acceptors: [webSocket({ port: 0 })] });
    await server.start();
    terminal = openTerminal([execPath, "--conditions=nano-source", "src/cli/main.ts"], { HOME: folder, NO_COLOR: "1" });
    await terminal.shows(/^"connect ADDRESS" begins, "help" lists what there is\n>/m);
    terminal.type(`connect ws://${server.addresses["ws"]}`);
    terminal.press("Enter");
    await terminal.shows("(json, no schema, --schema FOLDER reads one: any JSON goes, pushes by name)");
  },
  90_000,
);

test.runIf(there)(
  "completes the values of enums: of a field, in a list, and lists them where several fit",
  async () => {
    const at = await open(rulesServices().services);
    const line = async (before: string, shown: string): Promise<void> => {
      await complete(at, before, shown);
      at.press("C-u");
      await until(() => /\n> *\n*$/.test(at.screen()), 20_000).toBe(true);
    };
    await line('request rules.rules.every {"color": "COLOR_R', '{"color": "COLOR_RED"');
    await line('request rules.rules.every {"colors": ["COLOR_RED", "COLOR_B', '["COLOR_RED", "COLOR_BLUE"');
    // Where several fit, they are listed.
    at.type('request rules.rules.every {"color": "');
    await at.shows('{"color": "');
    at.press("Tab");
    await at.shows('"color": "COLOR_');
    at.press("Tab", "Tab");
    await at.shows(/"COLOR_UNSPECIFIED" +"COLOR_RED" +"COLOR_BLUE"/);
  },
  90_000,
);

test.runIf(there)(
  "completes the names of sessions, of values that were kept, and of what a handshake tells",
  async () => {
    const at = await open(chatRooms());
    at.type("session attic");
    at.press("Enter");
    at.type(`connect ws://${server.addresses["ws"]}`);
    at.press("Enter");
    await at.shows(/^attic> connect .*\nconnected to .*\nattic> *$/m);
    // The one that it began in; then the one beside it.
    await complete(at, "session 1", "> session 1");
    at.press("Enter");
    await at.shows(/^1> *$/m);
    await complete(at, "session a", /^1> session attic$/m);
    at.press("C-u");
    at.type('set room "lobby"');
    at.press("Enter");
    at.type('request room.room.join {"room": ${room}, "name": "ann"}');
    at.press("Enter");
    await at.shows('{"members":["ann"]}');
    // As data, and within a text.
    await complete(at, "set copy ${ro", /^1> set copy \$\{room\}$/m);
    at.press("C-u");
    await complete(at, 'notify room.room.say {"text": "in ${ro', /^1> notify room\.room\.say \{"text": "in \$\{room\}$/m);
    at.press("C-u");
    // Where several fit, they are listed.
    at.type('set roomy "attic"');
    at.press("Enter");
    await at.shows(/^1> *\n\n/m);
    await complete(at, "set copy ${r", /^1> set copy \$\{room$/m);
    at.press("Tab");
    await at.shows(/^\$\{room\} +\$\{roomy\}$/m);
    at.press("C-u");
    await complete(at, "handshake clientV", /^1> handshake clientVersion$/m);
  },
  90_000,
);

test.runIf(there)(
  "a push leaves a line of several rows whole; ^C gives up what is done, then what is typed, then all; what was typed is there the next time",
  async () => {
    const at = await open(chatRooms());
    at.type('request room.room.join {"room": "lobby", "name": "ann"}');
    at.press("Enter");
    await at.shows('{"members":["ann"]}');
    at.type("on room.room.joined");
    at.press("Enter");
    const long = `notify room.room.say {"text": "${"a long line ".repeat(15)}"}`;
    at.type(long);
    const rows = (): string => at.screen().replaceAll("\n", "");
    await until(() => rows().includes(`> ${long}`), 20_000).toBe(true);
    const bob = createClient({ transport: byWebSocket(`ws://${server.addresses["ws"]}`) });
    await bob.connect();
    await bob.service(RoomClient).join({ room: "lobby", name: "bob" });
    // Above it, and once.
    await until(() => rows().includes(`room.room.joined  {"name":"bob"}`), 20_000).toBe(true);
    await until(() => rows().includes(`> ${long}`), 20_000).toBe(true);
    expect(rows().split("> notify")).toHaveLength(2);
    await bob.close();
    at.press("C-c");
    await at.shows(/\^C\n> *$/m);
    at.type("wait 600000");
    at.press("Enter");
    at.press("C-c");
    await at.shows(/^given up\n> *$/m);
    at.type("exit");
    at.press("Enter");
    await until(() => at.isOpen(), 20_000).toBe(false);
    // Coloured, where nobody says otherwise; and with what was typed before.
    await server.stop({ graceMs: 0 });
    const again = await open(chatRooms(), { TERM: "xterm-256color" });
    again.press("Up", "Up");
    await again.shows(/^> wait 600000$/m);
    again.press("C-c");
    await again.shows(/\^C\n> *$/m);
    await complete(again, "timing o", "> timing o");
    again.type("n");
    again.press("Enter");
    again.type('request room.room.join {"room": ""}');
    again.press("Enter");
    await again.shows("invalid_argument");
    expect(again.screen({ colours: true })).toContain("\u001B[31minvalid_argument");
    again.press("C-c");
    await until(() => again.isOpen(), 20_000).toBe(false);
  },
  90_000,
);
