// Requests: connections that keep so many under way (closed loop), or send so many a second whatever comes back (open loop).
// It looks at the headers of packets and frames only, so that it stays below the server's cost. An error, or a closed connection, ends it.
import type { Socket } from "node:net";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { EchoRequestSchema } from "../../gen/bench/v1/echo_pb.ts";
import { usage } from "../usage.ts";
import { createCounter, type Over, openAll, request } from "./wire.ts";

/** What one run of the load has seen. */
export interface EchoResult {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** How much of a core the load itself has used. */
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    port: { type: "string" },
    over: { type: "string", default: "tcp" },
    connections: { type: "string", default: "64" },
    inflight: { type: "string", default: "1" },
    /** Requests a second, over all connections; 0: as many as come back. */
    rate: { type: "string", default: "0" },
    seconds: { type: "string", default: "3" },
    raw: { type: "boolean", default: false },
  },
});
const over = flags.over as Over;
const inflight = Number(flags.inflight);
const perSecond = Number(flags.rate);
const warmupMs = 700;
const body = toBinary(EchoRequestSchema, create(EchoRequestSchema, { seq: 7, name: "somebody", text: "hello there, all" }));
const one = request("echo.echo.echo", body, over);
const batch = Buffer.concat(Array.from({ length: inflight }, () => one));

let counting = false;
let answers = 0;
const latenciesUs: number[] = [];

const sockets = await openAll(Number(flags.connections), { port: Number(flags.port), over, raw: flags.raw });
for (const socket of sockets) {
  socket.once("close", () => {
    throw new Error("the server closed a connection");
  });
  if (perSecond === 0) pump(socket);
}
if (perSecond > 0) beat(sockets);
await new Promise((resolve) => setTimeout(resolve, warmupMs));
counting = true;
const [startedAt, cpuBefore] = [performance.now(), usage().cpuUs];
await new Promise((resolve) => setTimeout(resolve, Number(flags.seconds) * 1_000));
const seconds = (performance.now() - startedAt) / 1_000;
latenciesUs.sort((less, more) => less - more);
const at = (part: number): number => Math.round(latenciesUs[Math.floor(latenciesUs.length * part)] ?? 0);
const result: EchoResult = {
  perSecond: Math.round(answers / seconds),
  p50Us: at(0.5),
  p99Us: at(0.99),
  load: (usage().cpuUs - cpuBefore) / 1e6 / seconds,
};
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

/** Closed loop: each answer is followed by the next request; what comes in one piece is answered in one piece. */
function pump(socket: Socket): void {
  const count = createCounter(over);
  let sentAt = performance.now();
  socket.on("data", (bytes) => {
    const came = count(bytes);
    if (came === 0) return;
    const now = performance.now();
    if (counting) {
      answers += came;
      latenciesUs.push((now - sentAt) * 1_000);
    }
    sentAt = now;
    socket.write(came === 1 ? one : came === inflight ? batch : Buffer.concat(Array.from({ length: came }, () => one)));
  });
  socket.write(batch);
}

/** Open loop: a request leaves when it is due, and its time runs from then, so that a server that stalls is charged for all that it kept waiting. */
function beat(all: readonly Socket[]): void {
  const due = new Map(all.map((socket) => [socket, [] as number[]]));
  for (const [socket, times] of due) {
    const count = createCounter(over);
    socket.on("data", (bytes) => {
      const now = performance.now();
      for (let came = count(bytes); came > 0; came--) {
        const dueAt = times.shift() ?? now;
        if (!counting) continue;
        answers++;
        latenciesUs.push((now - dueAt) * 1_000);
      }
    });
  }
  const everyMs = 1_000 / perSecond;
  let nextAt = performance.now();
  let turn = 0;
  const tick = (): void => {
    for (const now = performance.now(); nextAt <= now; nextAt += everyMs) {
      const socket = all[turn++ % all.length];
      if (!socket) return;
      due.get(socket)?.push(nextAt);
      socket.write(one);
    }
    setImmediate(tick);
  };
  tick();
}
