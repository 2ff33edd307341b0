// Fan-out: connections that hear pushes, and one that asks for them. The next burst is asked for when every connection has heard the last.
import type { Socket } from "node:net";
import { parseArgs } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { BurstRequestSchema } from "../../gen/bench/v1/fanout_pb.ts";
import { usage } from "../usage.ts";
import { createCounter, framed, type Over, openAll, openSocket, request } from "./wire.ts";

/** What one run of the load has seen. */
export interface FanoutResult {
  readonly bursts: number;
  readonly seconds: number;
  readonly load: number;
}

const { values: flags } = parseArgs({
  options: {
    /** Several, with commas between them: the connections are spread over them. */
    port: { type: "string", default: "" },
    over: { type: "string", default: "tcp" },
    connections: { type: "string", default: "1000" },
    pushes: { type: "string", default: "1" },
    seconds: { type: "string", default: "3" },
    raw: { type: "boolean", default: false },
  },
});
const over = flags.over as Over;
const pushes = Number(flags.pushes);
const joinsAtOnce = 250;
const targets = flags.port.split(",").map((port) => ({ port: Number(port), over, raw: flags.raw }));
const [first = { port: 0, over, raw: flags.raw }] = targets;
const asking = (await openSocket(first)).resume();
const sockets: Socket[] = [];
for (const target of targets) sockets.push(...(await openAll(Number(flags.connections) / targets.length, target)));
let heard = 0;
let wanted = 0;
let all: () => void = () => {};

for (const socket of sockets) {
  const count = createCounter(over);
  socket.on("data", (bytes) => {
    heard += count(bytes);
    if (heard >= wanted) all();
  });
  socket.once("close", () => {
    throw new Error("the server closed a connection");
  });
}
// So many at once that each is answered in time also where two processes share the server's core.
for (let at = 0; !flags.raw && at < sockets.length; at += joinsAtOnce) {
  const some = sockets.slice(at, at + joinsAtOnce);
  await hear(some.length, () => {
    for (const socket of some) socket.write(request("fanout.fanout.join", new Uint8Array(0), over));
  });
}
const burst = flags.raw
  ? framed(Buffer.from([pushes, sockets.length >> 8, sockets.length & 0xff]), over)
  : request("fanout.fanout.burst", toBinary(BurstRequestSchema, create(BurstRequestSchema, { pushes })), over);
const once = (): Promise<void> => hear(sockets.length * pushes, () => void asking.write(burst));
for (let warmup = 0; warmup < 5; warmup++) await once();

// Whoever measures looks at the server now, and says when to begin.
const begin = new Promise((resolve) => process.stdin.once("data", resolve));
console.log("warm ");
await begin;
const [startedAt, cpuBefore] = [performance.now(), usage().cpuUs];
const untilMs = startedAt + Number(flags.seconds) * 1_000;
let bursts = 0;
while (performance.now() < untilMs) {
  await once();
  bursts++;
}
const seconds = (performance.now() - startedAt) / 1_000;
const result: FanoutResult = { bursts, seconds, load: (usage().cpuUs - cpuBefore) / 1e6 / seconds };
console.log(`result ${JSON.stringify(result)}`);
process.exit(0);

function hear(count: number, ask: () => void): Promise<void> {
  wanted = heard + count;
  return new Promise((resolve) => {
    all = resolve;
    ask();
  });
}
