import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { Etcd3 } from "etcd3";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { checkHistory } from "./check-history.ts";
import { type Handled, type History, machineMs, type Released } from "./history.ts";
import type { LedgerStart } from "./ledger-server.ts";
import { type Load, type LoadOptions, startLoad } from "./load.ts";

/** One server of a cluster, in a process of its own. */
export interface Member {
  readonly id: string;
  readonly child: Child;
  /** One life of it, as it stands in histories. */
  readonly name: string;
  /** Where clients come in, of a gate. */
  readonly address: string;
  signal(signal: NodeJS.Signals): void;
  /** Tells it to end, and gives the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** How a server is started that is not as usual. */
export interface MemberOptions {
  /** Where it finds etcd. The default is etcd itself. */
  readonly endpoint?: string;
  readonly host?: string;
  readonly tokens?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What stands before node on its command line, as to enter a namespace. */
  readonly within?: readonly string[];
}

/** What etcd has of one server. */
interface Registered {
  readonly incarnation: string;
  readonly lease: string;
}

/** Servers as processes, a real etcd, and clients with a history. */
export interface Cluster {
  readonly etcd: Etcd;
  readonly leaseMs: number;
  readonly raw: Etcd3;
  start(id: string, role: LedgerStart["role"], options?: MemberOptions): Promise<Member>;
  load(options: LoadOptions): Promise<Load>;
  /** By id. Bounded: rejects where etcd is away. */
  registered(): Promise<ReadonlyMap<string, Registered>>;
  /** Those that ended without having been told to. */
  fallen(): readonly string[];
  /** What was seen by now. Ends the loads first. */
  history(): Promise<History & { readonly violations: readonly string[]; readonly resets: number }>;
  stop(): Promise<void>;
}

export async function startCluster({ leaseMs }: { readonly leaseMs: number }): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), "nano-faults-"));
  const etcd = await startEtcd();
  const raw = new Etcd3({ hosts: `http://${etcd.endpoint}`, dialTimeout: 2_000 });
  const members: Member[] = [];
  const told = new Set<Child>();
  const loads: Load[] = [];
  return {
    etcd,
    leaseMs,
    raw,
    async start(id, role, { endpoint = etcd.endpoint, host = "127.0.0.1", tokens = [], env = {}, within = [] } = {}) {
      const start: LedgerStart = { id, role, endpoint, leaseMs, host, tokens, folder };
      const program = [execPath, "--conditions=nano-source", "test/faults/ledger-server.ts", JSON.stringify(start)];
      const [command = "", ...args] = [...within, ...program];
      const child = startChild(command, args, env);
      // Told of before it is ready: one that never is must be ended as well.
      const early: Member = {
        ...{ id, child, name: `${id}.${child.process.pid}`, address: "" },
        signal: (signal) => void child.process.kill(signal),
        end(signal) {
          told.add(child);
          return child.end(signal);
        },
      };
      members.push(early);
      const line = await child.line((text) => text.startsWith("ready "), 60_000);
      const addresses: Record<string, string> = JSON.parse(line.slice("ready ".length));
      const member = { ...early, address: addresses["tcp"] ?? "" };
      members.splice(members.indexOf(early), 1, member);
      return member;
    },
    async load(options) {
      const load = await startLoad(options);
      loads.push(load);
      return load;
    },
    registered: () => registered(raw),
    fallen: () =>
      members
        .filter(({ child }) => !told.has(child) && (child.process.exitCode ?? child.process.signalCode) !== null)
        .map(({ name, child }) => `${name} (${child.process.exitCode ?? child.process.signalCode})`),
    async history() {
      await Promise.all(loads.map((load) => load.end()));
      const asked = loads.flatMap((load) => load.asked);
      const heard = loads.flatMap((load) => load.heard);
      const history = { asked, heard, ...readLedgers(folder) };
      return { ...history, violations: checkHistory(history), resets: loads.reduce((sum, load) => sum + load.resets, 0) };
    },
    async stop() {
      await Promise.all(loads.map((load) => load.end().then(() => load.close())));
      // Nothing softer ends one that is frozen.
      await Promise.all(members.map((member) => member.end("SIGKILL")));
      raw.close();
      await etcd.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function registered(raw: Etcd3): Promise<ReadonlyMap<string, Registered>> {
  const { kvs } = await raw.getAll().prefix("/faults/servers/").exec();
  return new Map(
    kvs.map(({ value, lease }) => {
      const { id, incarnation }: { readonly id: string; readonly incarnation: string } = JSON.parse(value.toString());
      return [id, { incarnation, lease: `${lease}` }];
    }),
  );
}

function readLedgers(folder: string): { readonly handled: readonly Handled[]; readonly released: readonly Released[] } {
  const lines = readdirSync(folder)
    .filter((name) => name.endsWith(".ledger"))
    .flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line): (Handled & { readonly what: "handled" }) | (Released & { readonly what: "released" }) => JSON.parse(line));
  return {
    handled: lines.filter((line) => line.what === "handled"),
    released: lines.filter((line) => line.what === "released"),
  };
}

/** Asks until the answer is yes, and gives how long that took. Rejects when it takes longer than `mostMs`. */
export async function until(what: string, mostMs: number, holds: () => boolean | Promise<boolean>): Promise<number> {
  const fromMs = machineMs();
  let last = "";
  while (machineMs() - fromMs < mostMs) {
    try {
      if (await holds()) return machineMs() - fromMs;
    } catch (reason) {
      last = ` (${reason})`;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`not within ${mostMs} ms: ${what}${last}`);
}
