// npm run try:pitaya: Pitaya's own command line against the chat, and nano-cli and nano-bot against a server of Pitaya's, both built from Pitaya's
// sources as Go's module proxy has them. Needs Go. It is no test of `npm test`, since it compiles a hundred packages of others.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer, silentLogger, tcp, webSocket } from "nano-rpc";
import { chatRooms } from "../examples/chat/src/rooms.ts";
import { selfSigned } from "../test/net/self-signed.ts";
import { freePort } from "../test/support/port.ts";
import { type Program, startProgram } from "./pitaya/program.ts";
import { buildPitaya } from "./pitaya/source.ts";

const folder = mkdtempSync(join(tmpdir(), "nano-pitaya-"));
const certificate = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
const tls = selfSigned();
const root = fileURLToPath(new URL("..", import.meta.url));
// A script of a few lines, and twenty bots that do a few things each.
const timeLimitMs = 60_000;
let failed = 0;

const text = (value: string) => ({ type: "string", value });
/** What each of the bots does: a spec as pitaya-bot reads it. */
const bots = {
  numberOfInstances: 20,
  sequentialOperations: [
    { type: "request", uri: "room.room.echo", args: { text: text("a") }, store: { me: text("$util.uuid") } },
    {
      ...{ type: "request", uri: "room.room.join", args: { name: text("$store.me") } },
      expect: { "$response.name": text("$store.me") },
    },
    { type: "notify", uri: "room.room.say", args: { text: text("$store.me") } },
    { type: "listen", uri: "room.said", timeout: 10_000, expect: { "$response.text": { ...text(""), op: "exists" } } },
    { type: "function", uri: "reconnect" },
    {
      ...{ type: "request", uri: "room.room.echo", args: { text: text("ä€😀") } },
      expect: { "$response.text": text("ä€😀") },
    },
  ],
};

try {
  writeFileSync(certificate.cert, tls.cert);
  writeFileSync(certificate.key, tls.key);
  const pitaya = buildPitaya(folder);
  for (const encoding of ["json", "protobuf"]) await driveOurs(pitaya.cli, encoding);
  await driveTheirs(pitaya.server);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(failed === 0 ? "all of it works" : `${failed} checks failed`);
process.exit(failed === 0 ? 0 : 1);

/** Pitaya's command line, on each transport that it tries: it finds out by itself which one a port speaks. */
async function driveOurs(cli: string, encoding: string): Promise<void> {
  const server = createServer({
    log: silentLogger,
    ...{ reflection: true, encoding, services: chatRooms() },
    acceptors: [
      tcp({ name: "TCP", port: 0 }),
      tcp({ name: "TLS", port: 0, tls }),
      webSocket({ name: "WebSocket", port: 0 }),
      webSocket({ name: "WebSocket over TLS", port: 0, tls }),
    ],
  });
  await server.start();
  const open: Program[] = [];
  try {
    // Over a WebSocket it reads no answers in protobuf, whatever the server is: it begins to read in its TCP connect alone.
    const names = encoding === "json" ? ["TCP", "TLS", "WebSocket", "WebSocket over TLS"] : ["TCP", "TLS"];
    for (const name of names)
      await check(`pitaya repl, ${encoding}, over ${name}`, async () => {
        const port = server.addresses[name]?.split(":").at(-1);
        const [ann, bob] = [start(), start()];
        await speak(ann, [`connect 127.0.0.1:${port}`, "connected!"]);
        await speak(bob, [`connect 127.0.0.1:${port}`, "connected!"]);
        await speak(ann, [`request room.room.join {"room":"${name}","name":"ann"}`, '{"members":["ann"]}']);
        await speak(bob, [`request room.room.join {"room":"${name}","name":"bob"}`, '{"members":["ann","bob"]}']);
        await speak(ann, ['notify room.room.say {"text":"hi"}', '{"name":"bob"}']);
        await bob.says('{"name":"ann","text":"hi"}');
        await speak(ann, [`request room.room.join {"room":"${name}","name":""}`, "invalid_argument"]);
        // Beyond the schema's routes it asks nothing in protobuf.
        const unknown = encoding === "json" ? "not_found" : "Invalid Route";
        await speak(ann, ["request room.room.nothing {}", unknown]);
      });
  } finally {
    await Promise.all(open.map((program) => program.end()));
    await server.stop();
  }

  function start(): Program {
    const program = startProgram(cli, "repl", ...(encoding === "json" ? [] : ["-d", "nano.docs"]));
    open.push(program);
    return program;
  }
}

async function speak(program: Program, ...exchanges: readonly (readonly [line: string, says: string])[]): Promise<void> {
  for (const [line, says] of exchanges) {
    program.type(line);
    await program.says(says);
  }
}

/** nano-cli and nano-bot, against a server of Pitaya's own. */
async function driveTheirs(binary: string): Promise<void> {
  const [tcpPort, wsPort, tlsPort] = [await freePort(), await freePort(), await freePort()];
  const server = startProgram(binary, String(tcpPort), String(wsPort), String(tlsPort), certificate.cert, certificate.key);
  await server.says("all modules started!");
  const urls = [`tcp://127.0.0.1:${tcpPort}`, `ws://127.0.0.1:${wsPort}`, `tls://127.0.0.1:${tlsPort}`];
  const found = [tcpPort, wsPort, tlsPort].map((port) => `127.0.0.1:${port}`);
  try {
    for (const [at, address] of [...urls, ...found].entries())
      await check(`nano-cli ${address} against Pitaya`, async () => {
        const script = join(folder, "talk.nano");
        writeFileSync(script, talk(`ann${at}`));
        await run("src/cli/main.ts", [address, "--insecure", "--script", script]);
      });
    const spec = join(folder, "spec.json");
    writeFileSync(spec, JSON.stringify(bots));
    for (const url of urls)
      await check(`nano-bot ${url} against Pitaya`, async () => {
        await run("src/bot/main.ts", ["run", spec, "--url", url, "--insecure"]);
      });
  } finally {
    await server.end();
  }
}

function talk(name: string): string {
  return [
    "on room.said",
    `request room.room.join {"name": "${name}"}`,
    `expect {"name": "${name}"}`,
    'notify room.room.say {"text": "hello ä€😀"}',
    'expect push room.said {"text": "hello ä€😀"}',
    `request room.room.echo {"text": "${"many words, ".repeat(500)}"}`,
    'request room.room.join {"name": ""}',
    "expect error unknown",
    "request room.room.nothing {}",
    "expect error unknown",
  ].join("\n");
}

async function run(script: string, args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, ["--conditions=nano-source", script, ...args], {
    cwd: root,
    stdio: "pipe",
    timeout: timeLimitMs,
  });
  let printed = "";
  for (const output of [child.stdout, child.stderr]) output.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`exit code ${code}: ${printed}`);
}

async function check(claim: string, holds: () => Promise<void>): Promise<void> {
  try {
    await holds();
    console.log(`ok   ${claim}`);
  } catch (reason) {
    failed++;
    console.log(`FAIL ${claim}: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}
