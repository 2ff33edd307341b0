import { createClient, NanoError, type Transport } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { LedgerClient } from "../schema/gen/faults/v1/faults_client.ts";
import { type Asked, type Heard, type Kind, machineMs } from "./history.ts";

/** How much is asked. */
export interface LoadOptions {
  /** Where gates are, as "127.0.0.1:4000": clients come in by any, in turn. */
  readonly gates: readonly string[];
  /** What each client asks: one kind, or all in turn. The default is two clients of each. */
  readonly clients?: readonly (Kind | "mixed")[];
  /** How long each client waits between two requests. The default is 20. */
  readonly everyMs?: number;
  /** How many bytes each request carries beside its id. The default is none. */
  readonly loadBytes?: number;
  /** The keys that are asked for. The default is 24. */
  readonly keys?: readonly string[];
  /** Whether each client is a user. The default is false. */
  readonly users?: boolean;
  /** Whether clients come back when their gate is gone. The default is true. */
  readonly comesBack?: boolean;
  /** Names the clients apart from those of another load. */
  readonly name?: string;
}

/** Clients that ask and ask, and write down what became of it. */
export interface Load {
  readonly asked: readonly Asked[];
  readonly heard: readonly Heard[];
  readonly keys: readonly string[];
  /** How many sessions were lost and made anew. */
  readonly resets: number;
  /** Asks nothing more, and waits for what is under way. */
  end(): Promise<void>;
  close(): Promise<void>;
}

const twoOfEach = ["any", "keyed", "owned", "stuck", "mixed"].flatMap((kind) => [kind, kind]) as (Kind | "mixed")[];
const turns: readonly Kind[] = ["any", "keyed", "owned", "stuck"];
// What one client has under way.
const mostInFlight = 32;

/** Resolves when every client is in. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const { clients: kinds = twoOfEach, everyMs = 20, loadBytes = 0, users = false, comesBack = true, name = "" } = options;
  const keys = options.keys ?? Array.from({ length: 24 }, (_, at) => `key-${at}`);
  const bytes = new Uint8Array(loadBytes);
  const asked: Asked[] = [];
  const heard: Heard[] = [];
  let resets = 0;
  const all = await Promise.all(
    kinds.map(async (kind, at) => {
      const id = `${name}${kind}-${at}`;
      const client = createClient({
        transport: inTurn(options.gates, at),
        reconnect: comesBack && { minDelayMs: 100, maxDelayMs: 1_000 },
      });
      const ledger = client.service(LedgerClient);
      let session = 0;
      const hears = (stream: string, what: string | number): void =>
        void heard.push({ client: id, session, stream, what, atMs: machineMs() });
      ledger.onNoted((note) => hears("note", note.id));
      ledger.onTicked(({ stream, number }) => hears(stream, number));
      client.onState((state) => {
        if (state.name !== "open" || state.via !== "reset") return;
        session++;
        resets++;
      });
      const watch = () => untilWatching(ledger, users ? id : "");
      client.onReset(watch);
      await client.connect();
      await watch();
      return { client, ...startAsking({ ledger, id, kind, everyMs, bytes, keys, asked, session: () => session }) };
    }),
  );
  return {
    asked,
    heard,
    keys,
    get resets() {
      return resets;
    },
    async end() {
      await Promise.all(all.map((one) => one.end()));
    },
    async close() {
      await Promise.all(all.map(({ client }) => client.close()));
    },
  };
}

interface Asking {
  readonly ledger: LedgerClient;
  readonly id: string;
  readonly kind: Kind | "mixed";
  readonly everyMs: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly keys: readonly string[];
  readonly asked: Asked[];
  readonly session: () => number;
}

/** Asks ahead, without waiting for answers: only so order can be lost. */
function startAsking({ ledger, id, kind, everyMs, bytes, keys, asked, session }: Asking): { end(): Promise<void> } {
  const inFlight = new Set<Promise<void>>();
  let number = 0;
  // Whoever was stuck to a server that is gone asks any other first.
  let stuck = false;
  async function ask(): Promise<void> {
    const meant = kind === "mixed" ? (turns[number % turns.length] ?? "any") : kind;
    const now: Kind = meant === "stuck" && !stuck ? "any" : meant;
    if (now === "any") stuck = true;
    const key = now === "keyed" || now === "owned" ? (keys[(number * 7) % keys.length] ?? "") : "";
    const request: Asked = {
      ...{ id: `${id}/${number}`, client: id, number: number++, session: session() },
      ...{ kind: now, key, sentMs: machineMs() },
    };
    asked.push(request);
    const outcome = await ledger[now]({ id: request.id, load: bytes, key }).result();
    request.endedMs = machineMs();
    if (outcome.ok) {
      request.outcome = "ok";
      request.server = outcome.value.server;
      return;
    }
    const error = NanoError.from(outcome.error);
    request.outcome = error.code;
    request.message = error.message;
    request.unsent = error.metadata["outcome"] === "not_sent";
    if (now === "stuck") stuck = false;
  }
  const timer = setInterval(() => {
    if (inFlight.size >= mostInFlight) return;
    const one = ask().finally(() => inFlight.delete(one));
    inFlight.add(one);
  }, everyMs);
  return {
    async end() {
      clearInterval(timer);
      await Promise.all(inFlight);
    },
  };
}

/** A gate may not know the ledgers yet that were ready a moment ago. */
async function untilWatching(ledger: LedgerClient, user: string): Promise<void> {
  const untilMs = machineMs() + 10_000;
  for (;;) {
    const outcome = await ledger.watch({ user }).result();
    if (outcome.ok) return;
    if (machineMs() > untilMs) throw outcome.error;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Comes in by any of some gates, as a balancer would have it: those that take nobody are passed by. */
function inTurn(gates: readonly string[], first: number): Transport {
  let next = first;
  return {
    name: "in turn",
    open(...args) {
      const [host = "", port] = (gates[next++ % gates.length] ?? "").split(":");
      return tcp({ host, port: Number(port) }).open(...args);
    },
  };
}
