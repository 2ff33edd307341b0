// A server of the suite of faults: a gate, or a ledger that writes down what it is asked. Argument: LedgerStart as JSON.
import { appendFileSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createJsonLogger, createServer, etcd, implement, type Server, type Session, tcp } from "nano-rpc";
import { LedgerHandler, LedgerPush } from "../schema/gen/faults/v1/faults_nano.ts";
import { type Kind, machineMs } from "./history.ts";

/** What a server is told to be. */
export interface LedgerStart {
  readonly id: string;
  readonly role: "gate" | "ledger";
  /** Of etcd. */
  readonly endpoint: string;
  readonly leaseMs: number;
  /** The address that its ports are on. */
  readonly host: string;
  readonly tokens: readonly string[];
  /** Where it writes. */
  readonly folder: string;
}

const start: LedgerStart = JSON.parse(process.argv[2] ?? "");
const { id, role, endpoint, leaseMs, host, tokens, folder } = start;
/** One life of one server. */
const name = `${id}.${process.pid}`;
const tickMs = 50;
const clocksApartMs = Date.now() - machineMs();

function ledger() {
  // Written at once: what was handled must be known also of a server that is killed in the next moment.
  const file = openSync(join(folder, `${name}.ledger`), "a");
  const write = (line: object): void => void writeSync(file, `${JSON.stringify(line)}\n`);
  function handle(kind: Kind, session: Session, { id, key = "" }: { readonly id: string; readonly key?: string }) {
    const atMs = machineMs();
    write({ what: "handled", id, kind, key, server: name, atMs, skewMs: Date.now() - atMs - clocksApartMs });
    session.push(LedgerPush.noted, { id });
    return { server: name };
  }
  let ticks: ReturnType<typeof setInterval> | undefined;
  return implement(LedgerHandler, {
    any: (request, { session }) => handle("any", session, request),
    keyed: (request, { session }) => handle("keyed", session, request),
    owned: (request, { session }) => handle("owned", session, request),
    stuck: (request, { session }) => handle("stuck", session, request),
    async watch({ user }, { session, group }) {
      if (user !== "") await session.bind(user);
      await group("watchers").add(session);
      return {};
    },
    init(server: Server) {
      const watchers = server.group("watchers", { type: "ledger" });
      let number = 0;
      ticks = setInterval(() => watchers.push(LedgerPush.ticked, { stream: name, number: number++ }), tickMs);
    },
    onDrain: () => clearInterval(ticks),
    onRelease: (key) => write({ what: "released", key, server: name, atMs: machineMs() }),
  });
}

// What one client may send is not what is tried here.
const limits = { messagesPerSecond: 1_000, messagesBurst: 1_000, bytesPerSecond: 64 * 1_048_576, bytesBurst: 64 * 1_048_576 };
const server = createServer({
  id,
  limits,
  signals: ["SIGTERM"],
  log: createJsonLogger({
    sink: { write: (line) => appendFileSync(join(folder, `${name}.log`), `${line}\n`) },
    now: () => Date.now(),
  }),
  discovery: etcd({ endpoints: [endpoint], prefix: "/faults", leaseMs }),
  cluster: { listen: `${host}:0`, tokens },
  ...(role === "gate" ? { types: ["gate"], acceptors: [tcp({ port: 0, host })] } : { services: [ledger()] }),
});
await server.start();
console.log(`ready ${JSON.stringify(server.addresses)}`);
