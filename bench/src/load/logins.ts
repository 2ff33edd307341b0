// Logins: sessions that are open already, each of which becomes another user's, so many at a time.
import { once } from "node:events";
import type { Socket } from "node:net";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { EnterRequestSchema } from "../../gen/bench/v1/login_pb.ts";
import { usage } from "../usage.ts";
import { createCounter, openAll, request } from "./wire.ts";

/** What one run of the load has seen. */
export interface LoginsResult {
  readonly logins: number;
  readonly seconds: number;
  /** From the request to the answer that the user is bound. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    /** Several, with commas between them: the sessions are spread over them. */
    port: { type: "string", default: "" },
    logins: { type: "string", default: "10000" },
    inflight: { type: "string", default: "1000" },
  },
});
const over = "tcp";
const ports = flags.port.split(",").map(Number);
const perPort = Math.ceil(Number(flags.logins) / ports.length);
const opened = await Promise.all(ports.map((port) => openAll(perPort, { port, over, raw: false })));
// In turn at each server.
const sockets = Array.from({ length: perPort }, (_, at) => opened.map((of) => of[at])).flat();
const waits: number[] = [];
let next = 0;

// Whoever measures looks at the servers now, and says when to begin.
const begin = once(process.stdin, "data");
console.log("warm ");
await begin;
const [startedAt, cpuBefore] = [performance.now(), usage().cpuUs];
await Promise.all(Array.from({ length: Number(flags.inflight) }, enter));
const seconds = (performance.now() - startedAt) / 1_000;
const load = (usage().cpuUs - cpuBefore) / 1e6 / seconds;
waits.sort((one, other) => one - other);
const at = (share: number): number => waits[Math.floor((waits.length - 1) * share)] ?? 0;
const result: LoginsResult = { logins: waits.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99), load };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

async function enter(): Promise<void> {
  while (next < sockets.length) {
    const number = next++;
    const socket = sockets[number];
    if (socket) waits.push(await bound(socket, `user-${number}`));
  }
}

function bound(socket: Socket, user: string): Promise<number> {
  const count = createCounter(over);
  const askedAt = performance.now();
  return new Promise((resolve, reject) => {
    socket.once("close", () => reject(new Error("the server closed a connection")));
    socket.on("data", (bytes) => {
      try {
        if (count(bytes) > 0) resolve(performance.now() - askedAt);
      } catch (reason) {
        reject(reason);
      }
    });
    socket.write(request("login.login.enter", toBinary(EnterRequestSchema, create(EnterRequestSchema, { user })), over));
  });
}
