// The edge server in a process of its own, for peers that mean ill. SIGUSR2 asks what it has counted and what it holds.
import { startEdge } from "../frontend/edge-server.ts";
import { tidyHeap } from "./engine/heap.ts";

/** What it says of itself. */
export interface Account {
  readonly violations: number;
  readonly handshakesRefused: number;
  readonly accepted: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const edge = await startEdge({
  limits: {
    heartbeatMs: 60_000,
    handshakeMs: 120_000,
    handshakesPerSecond: Number.POSITIVE_INFINITY,
    messagesPerSecond: Number.POSITIVE_INFINITY,
    bytesPerSecond: Number.POSITIVE_INFINITY,
  },
});
let asked = 0;

process.on("SIGUSR2", () => {
  const { frontend } = edge.server.counters;
  const { violations = -1, accepted = -1 } = frontend ?? {};
  const handshakesRefused = frontend ? Object.values(frontend.handshakesRefused).reduce((all, some) => all + some, 0) : -1;
  const held = { heapBytes: tidyHeap(), rssBytes: process.memoryUsage().rss };
  const account: Account = { violations, handshakesRefused, accepted, ...held };
  console.log(`account ${++asked} ${JSON.stringify(account)}`);
});
process.once("SIGTERM", () => void edge[Symbol.asyncDispose]().then(() => process.exit(0)));
console.log(`ports ${edge.tcp} ${edge.ws}`);
