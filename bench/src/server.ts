// The echo service of the benchmarks, in any split over processes. Same flags as the chat.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createServer, etcd, memory, prometheus, type Server, type ServerOptions, statsd, tcp, webSocket } from "nano-rpc";
import { echo } from "./echo.ts";
import { fanout } from "./fanout.ts";
import { login } from "./login.ts";
import { answerUsage } from "./usage.ts";

const { values: flags } = parseArgs({
  options: {
    id: { type: "string", default: "bench-1" },
    roles: { type: "string", default: "gate,echo" },
    frontend: { type: "boolean", default: false },
    discovery: { type: "string", default: "memory" },
    prefix: { type: "string", default: "/bench" },
    ws: { type: "string" },
    tcp: { type: "string" },
    // Taken, since the chat has it; no page of its own is served there.
    http: { type: "string" },
    cluster: { type: "string", default: "127.0.0.1:0" },
    "token-file": { type: "string" },
    /** How the echo is done: "sync", "async", "reflected" (protobuf-es reads and writes), or "bytes" (without protobuf). */
    handler: { type: "string", default: "sync" },
    /** Where statsd listens: it is told each second then, and Prometheus finds its page. */
    statsd: { type: "string" },
    /** Spans are made: for "nobody", or for an SDK that samples so many of them, 0 to 1. */
    tracing: { type: "string" },
    /** Where that exports to, by OTLP. */
    collector: { type: "string", default: "http://127.0.0.1:4318" },
    /** "default" keeps the limits that protect players. */
    limits: { type: "string", default: "lifted" },
    /** How long it may drain. */
    "grace-ms": { type: "string", default: "1000" },
  },
});
const roles = flags.roles.split(",");
const holdsClients = roles.includes("gate") || flags.frontend;
const endpoints = /^etcd:\/\/(.+)$/.exec(flags.discovery)?.[1]?.split(",");
const tokenFile = flags["token-file"];
// What protects players would be what is measured.
const lifted = flags.limits !== "default";
const none = Number.POSITIVE_INFINITY;
const limits = {
  ...{ connections: none, connectionsPerAddress: none, unauthenticated: none, unboundMs: 0 },
  ...{ handshakesPerSecond: none, heapShare: 1, loopDelayMs: none },
  ...{ messagesPerSecond: none, messagesBurst: none, bytesPerSecond: none, bytesBurst: none, inFlight: none },
  ...{ queueMessages: none, queueBytes: none, stalledMs: none },
};

// Nobody else loads an SDK.
if (flags.tracing !== undefined && flags.tracing !== "nobody") {
  const { startSdk } = await import("./tracing.ts");
  startSdk(Number(flags.tracing), flags.collector);
}
const server = create({
  id: flags.id,
  types: roles.includes("gate") ? ["gate"] : [],
  discovery: endpoints ? etcd({ endpoints, prefix: flags.prefix }) : memory(),
  cluster: { listen: flags.cluster, tokens: tokenFile === undefined ? [] : [readFileSync(tokenFile, "utf8").trim()] },
  acceptors: holdsClients
    ? [
        ...(flags.ws === undefined ? [] : [webSocket({ port: Number(flags.ws) })]),
        ...(flags.tcp === undefined ? [] : [tcp({ port: Number(flags.tcp) })]),
      ]
    : [],
  services: [
    ...(roles.includes("echo") ? [echo(flags.handler)] : []),
    ...(roles.includes("fanout") ? [fanout()] : []),
    ...(roles.includes("login") ? [login()] : []),
  ],
  ...(flags.statsd === undefined
    ? {}
    : { http: {}, reporters: [prometheus(), statsd({ port: Number(flags.statsd), everyMs: 1_000 })] }),
  ...(flags.tracing === undefined ? {} : { tracing: {} }),
  ...(lifted ? { limits } : {}),
});
await server.start();
process.once("SIGTERM", () => void server.stop({ graceMs: Number(flags["grace-ms"]) }).then(() => process.exit(0)));
const { addresses } = server;
answerUsage();
console.log(lifted ? `lifted limits: ${Object.keys(limits).join(", ")}` : "default limits");
console.log(
  `ready ${JSON.stringify({ id: flags.id, roles, ws: port("ws"), tcp: port("tcp"), http: port("http"), cluster: addresses["cluster"] ?? null })}`,
);

function create(options: ServerOptions): Server {
  try {
    return createServer(options);
  } catch (reason) {
    if (!(reason instanceof TypeError || reason instanceof RangeError)) throw reason;
    console.error(reason.message.replace("cluster.tokens", "cluster.tokens (by --token-file)"));
    return process.exit(2);
  }
}

function port(name: string): number | null {
  const address = addresses[name];
  return address === undefined ? null : Number(address.slice(address.lastIndexOf(":") + 1));
}
