// An echo that has something to do for each request, in one process or, with `--workers N`, in several.
import cluster from "node:cluster";
import { implement, serve, silentLogger } from "nano-rpc";
import { EchoHandler } from "../gen/bench/v1/echo_nano.ts";

const workUs = 100;
const none = Number.POSITIVE_INFINITY;

/** As long as a move in a game may take. */
function work(): void {
  const until = performance.now() + workUs / 1_000;
  while (performance.now() < until);
}

await serve({
  services: [
    implement(EchoHandler, {
      echo({ seq, name, text }) {
        work();
        return { seq, name, text };
      },
    }),
  ],
  log: silentLogger,
  limits: {
    ...{ unboundMs: 0, messagesPerSecond: none, messagesBurst: none, bytesPerSecond: none, bytesBurst: none, inFlight: none },
    ...{ heapShare: 1, loopDelayMs: none },
  },
});
if (!cluster.isWorker) console.log("ready {}");
