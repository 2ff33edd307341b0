// Drives clients of the family against the chat, as they come from npm: those with too much behind them for a dev dependency. Installs
// them into a folder of its own, and removes it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, silentLogger, webSocket } from "nano-rpc";
import { chatRooms } from "../examples/chat/src/rooms.ts";

/** What the clients have in common. */
interface Client {
  init(params: object, cb: () => void): void;
  request(route: string, msg: object, cb: (data: unknown) => void): void;
  notify(route: string, msg: object): void;
  on(event: string, listener: (data: unknown) => void): void;
}

type Make = new () => Client;

interface Tried {
  readonly name: string;
  readonly version: string;
  readonly load: (from: NodeJS.Require) => Make;
  /** Whether it tells its user of a kick. */
  readonly tellsKicks: boolean;
}

const clients: readonly Tried[] = [
  { name: "pomelo-client-websocket", version: "1.0.13", load: (from) => from("pomelo-client-websocket"), tellsKicks: true },
  {
    name: "pinus-robot-plugin",
    version: "1.7.3",
    // The robot's other half is a whole server.
    load: (from) => from("pinus-robot-plugin/dist/PinusWSClient.js").PinusWSClient,
    tellsKicks: false,
  },
];
const timeLimitMs = 5_000;
const print = console.log;
// The clients talk much.
console.log = console.error = () => {};
const folder = mkdtempSync(join(tmpdir(), "nano-clients-"));
let failed = 0;

try {
  writeFileSync(join(folder, "package.json"), '{"private":true}');
  const wanted = clients.map(({ name, version }) => `${name}@${version}`);
  const install = spawnSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", ...wanted], {
    cwd: folder,
    stdio: "inherit",
  });
  if (install.status !== 0) throw new Error("the clients cannot be installed");
  for (const client of clients) await drive(client, client.load(createRequire(join(folder, "package.json"))));
} finally {
  rmSync(folder, { recursive: true });
}
print(`${failed === 0 ? "all clients work" : `${failed} checks failed`}`);
process.exit(failed === 0 ? 0 : 1);

async function drive({ name, version, tellsKicks }: Tried, Made: Make): Promise<void> {
  const what = `${name} ${version}`;
  const server = createServer({ log: silentLogger, acceptors: [webSocket({ port: 0 })], services: chatRooms() });
  await server.start();
  const port = Number(server.addresses["ws"]?.split(":").at(-1));
  const client = new Made();
  const ask = (route: string, msg: object): Promise<unknown> => soon((heard) => client.request(route, msg, heard));
  const check = async (claim: string, given: Promise<unknown>, expected: unknown): Promise<void> => {
    const text = JSON.stringify(await given.catch((reason: unknown) => String(reason)));
    const right = text === JSON.stringify(expected);
    if (!right) failed++;
    print(`${right ? "ok  " : "FAIL"} ${what}: ${claim}${right ? "" : `: ${text}`}`);
  };
  const kicked = soon((heard) => client.on("onKick", heard));
  await check(
    "shakes hands",
    soon((heard) => client.init({ host: "127.0.0.1", port, user: {} }, () => heard(true))),
    true,
  );
  await check("asks", ask("room.room.join", { room: "lobby", name: "ann" }), { members: ["ann"] });
  const said = soon((heard) => client.on("room.room.said", heard));
  client.notify("room.room.say", { text: "ä€😀" });
  await check("hears what it says, beyond ASCII too", said, { name: "ann", text: "ä€😀" });
  await check("hears of errors in its callback", codeOf(ask("room.room.nothing", {})), "not_found");
  const ids = Array.from({ length: 100 }, () => codeOf(ask("room.room.nothing", {})));
  await check("gets an answer to each of 100 requests", Promise.all(ids), Array(100).fill("not_found"));
  const stopped = server.stop();
  if (tellsKicks)
    await check(
      "hears of the kick",
      kicked.then(() => true),
      true,
    );
  await stopped;
}

async function codeOf(data: Promise<unknown>): Promise<unknown> {
  const given = await data;
  return typeof given === "object" && given !== null && "code" in given ? given.code : given;
}

/** What a callback is given, or a rejection when it is not called in time. */
function soon(begin: (heard: (data: unknown) => void) => void): Promise<unknown> {
  const given = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("never heard")), timeLimitMs);
    begin((data) => {
      clearTimeout(timer);
      resolve(data);
    });
  });
  // It may be over before anybody waits for it.
  given.catch(() => {});
  return given;
}
