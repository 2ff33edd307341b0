// Connections: opened, shaken hands with, and closed again, so many at a time; or all at once, by those who come back when they are told to.
import { parseArgs } from "node:util";
import { createClient, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { usage } from "../usage.ts";
import { type Over, openSocket } from "./wire.ts";

/** What one run of the load has seen. */
export interface ConnectResult {
  /** Those that came in. */
  readonly connected: number;
  readonly failed: number;
  readonly seconds: number;
  /** How long the last had to wait. */
  readonly slowestMs: number;
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: "string" },
    over: { type: "string", default: "tcp" },
    seconds: { type: "string", default: "3" },
    /** So many clients at once, each until it is in; 0: connections one after the other, 64 at a time. */
    storm: { type: "string", default: "0" },
    raw: { type: "boolean", default: false },
  },
});
const port = Number(flags.port);
const over = flags.over as Over;
const storm = Number(flags.storm);
let connected = 0;
let failed = 0;
let slowestMs = 0;
const [startedAt, cpuBefore] = [performance.now(), usage().cpuUs];
if (storm > 0) await Promise.all(Array.from({ length: storm }, come));
else {
  const untilMs = startedAt + Number(flags.seconds) * 1_000;
  await Promise.all(Array.from({ length: 64 }, () => comeAndGo(untilMs)));
}
const seconds = (performance.now() - startedAt) / 1_000;
const load = (usage().cpuUs - cpuBefore) / 1e6 / seconds;
const result: ConnectResult = { connected, failed, seconds, slowestMs: Math.round(slowestMs), load };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

async function comeAndGo(untilMs: number): Promise<void> {
  while (performance.now() < untilMs) {
    const socket = await openSocket({ port, over, raw: flags.raw });
    connected++;
    socket.removeAllListeners("close").destroy();
  }
}

/** A client of ours: a server that says when to come again is obeyed. */
async function come(): Promise<void> {
  const transport = over === "ws" ? webSocket(`ws://127.0.0.1:${port}`) : tcp({ host: "127.0.0.1", port });
  try {
    await createClient({ transport, connectTimeoutMs: 60_000 }).connect();
    connected++;
  } catch (reason) {
    if (failed++ === 0) console.error(reason);
  }
  slowestMs = Math.max(slowestMs, performance.now() - startedAt);
}
