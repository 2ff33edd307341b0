// A frontend and a backend as anybody would start them, for strangers that mean ill. SIGUSR2 asks what they have counted and what they hold.
import {
  type ClusterCounters,
  createServer,
  etcd,
  type FrontendCounters,
  type Server,
  type ServerOptions,
  type Step,
  silentLogger,
  type TlsOptions,
  tcp,
  webSocket,
} from "nano-rpc";
import { tidyHeap } from "../fuzz/engine/heap.ts";
import { playServices } from "../server/play.ts";

/** Where and how it starts. */
export interface VictimOptions {
  readonly endpoint: string;
  readonly prefix: string;
  readonly tokens: readonly string[];
  /** By id. */
  readonly tls: Readonly<Record<string, TlsOptions>>;
}

/** Where it can be reached. */
export interface VictimPorts {
  /** Of the frontend's cluster port, and the backend's, as "127.0.0.1:4000". */
  readonly gate: string;
  readonly play: string;
  /** The frontend's incarnation, in decimal. */
  readonly gateIncarnation: string;
  readonly playIncarnation: string;
  readonly tcp: number;
  readonly ws: number;
}

/** What it says of itself. */
export interface Account {
  readonly gate: ClusterCounters;
  readonly play: ClusterCounters;
  readonly frontend: FrontendCounters;
  /** Calls that reached a handler or a remote, by route and by whom. */
  readonly handled: Readonly<Record<string, number>>;
  /** Calls of handlers and remotes that failed, by route and code. */
  readonly failed: Readonly<Record<string, number>>;
  /** What handlers failed with that went on when their time was up. */
  readonly late: readonly string[];
  /** The ids of the servers that each of them knows. */
  readonly known: readonly string[];
  /** On the heap and in buffers, without what nobody needs any more. */
  readonly heldBytes: number;
  /** The most that the process ever had. */
  readonly peakBytes: number;
}

const { endpoint, prefix, tokens, tls }: VictimOptions = JSON.parse(process.argv[2] ?? "{}");
const handled: Record<string, number> = {};
const counting: Step = (call, next) => {
  const by = call.session ? (call.session.user ?? "nobody") : "caller" in call.ctx ? String(Object(call.ctx.caller).id) : "";
  const name = `${call.method.route} by ${by}`;
  handled[name] = (handled[name] ?? 0) + 1;
  return next(call);
};
const { services, seen } = playServices((ms) => new Promise((resolve) => setTimeout(resolve, ms)));

async function start(id: string, options: ServerOptions): Promise<Server> {
  const own = tls[id];
  const server = createServer({
    id,
    discovery: etcd({ endpoints: [endpoint], prefix }),
    cluster: { tokens, ...(own ? { tls: own } : {}) },
    log: silentLogger,
    // A fast machine makes a thousand attempts in less than a second: each is to come as far as what it tries.
    limits: { handshakesPerSecond: 10_000 },
    ...options,
  });
  await server.start();
  return server;
}

function failedCalls({ counters }: Server): Account["failed"] {
  const routes = [...counters.handlers, ...counters.remotes];
  return Object.fromEntries(
    routes.flatMap(([route, { failed }]) => [...failed].map(([code, count]) => [`${route} ${code}`, count])),
  );
}

const play = await start("play-1", { services, pipeline: [counting] });
const gate = await start("gate-1", { types: ["gate"], acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })] });
let asked = 0;

process.on("SIGUSR2", () => {
  const account: Account = {
    gate: gate.counters.cluster as ClusterCounters,
    play: play.counters.cluster as ClusterCounters,
    frontend: gate.counters.frontend as FrontendCounters,
    handled,
    failed: failedCalls(play),
    late: seen.late,
    known: [gate, play].flatMap((server) => server.servers().map(({ id }) => id)),
    heldBytes: tidyHeap(),
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  };
  console.log(`account ${++asked} ${JSON.stringify(account)}`);
});
process.once(
  "SIGTERM",
  () => void Promise.all([gate.stop({ graceMs: 100 }), play.stop({ graceMs: 100 })]).then(() => process.exit(0)),
);
const portOf = (name: string): number => Number(gate.addresses[name]?.split(":").at(-1));
const ports: VictimPorts = {
  gate: gate.addresses["cluster"] ?? "",
  play: play.addresses["cluster"] ?? "",
  gateIncarnation: `${gate.info.incarnation}`,
  playIncarnation: `${play.info.incarnation}`,
  tcp: portOf("tcp"),
  ws: portOf("ws"),
};
console.log(`ready ${JSON.stringify(ports)}`);
