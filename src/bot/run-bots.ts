import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { createClient, type Transport, webSocket } from "../client/index.ts";
import { tcp } from "../client/tcp.ts";
import { play } from "./play.ts";
import { describe, formatMs, type Sample } from "./report.ts";
import { type Scenario, scenario } from "./scenario.ts";

/** What `nano-bot` sees of the world that it was called from. */
export interface Shell {
  print(line: string): void;
  complain(line: string): void;
  /** Shows how it goes, where somebody looks on. */
  readonly progress: ((line: string) => void) | undefined;
  readonly interrupted: AbortSignal;
}

const help = `Usage: nano-bot run FILE --url URL [OPTIONS]

Plays the scenario that FILE exports as default against a server (tcp://HOST:PORT, tls://, ws://,
wss://). Ends with 0 where all thresholds hold, 1 where one does not, 2 where it could not begin.

  --users N        so many users all the time, instead of what the scenario says; 200 a second come in
  --for MS         how long, with --users, when they are in (default: 60000)
  --encoding NAME  json or protobuf (default: protobuf)
  --json FILE      writes the figures, second by second`;

// All at once they would measure how the server takes a storm.
const entryMs = 5;

/** Runs what was called. Gives the exit code. */
export async function runBots(args: readonly string[], shell: Shell): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    shell.print(help);
    return 0;
  }
  try {
    const { file, transport, json, users, forMs, encoding } = parse(args);
    const loaded = await load(file);
    const { name, thresholds = {}, run } = loaded;
    const played =
      users === undefined
        ? loaded
        : scenario({
            ...{ name, thresholds, run: (bot) => run.call(loaded, bot) },
            stages: [
              { users, overMs: users * entryMs },
              { users, overMs: forMs },
            ],
          });
    const { progress } = shell;
    const report = await play(played, {
      open: (onError) => createClient({ transport, encoding, onError }),
      signal: shell.interrupted,
      ...(progress ? { onSample: (sample) => progress(progressLine(sample)) } : {}),
    });
    progress?.("");
    if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    shell.print(describe(report));
    return report.breaches.length === 0 ? 0 : 1;
  } catch (reason) {
    shell.complain(`nano-bot: ${reason instanceof Error ? reason.message : reason} (see nano-bot --help)`);
    return 2;
  }
}

function progressLine({ atMs, users, perSecond, failed, p50Ms, p95Ms, p99Ms }: Sample): string {
  const took = `p50 ${formatMs(p50Ms)}, p95 ${formatMs(p95Ms)}, p99 ${formatMs(p99Ms)}`;
  return `${Math.round(atMs / 1_000)} s: ${users} users, ${Math.round(perSecond)} calls/s, ${took}, ${failed} failed`;
}

async function load(file: string): Promise<Scenario> {
  const loaded: { readonly default?: Partial<Scenario> } = await import(pathToFileURL(resolve(file)).href);
  const { default: given } = loaded;
  if (typeof given?.run !== "function") throw new TypeError(`${file} exports no scenario as default`);
  return scenario(given as Scenario);
}

const options = {
  url: { type: "string" },
  users: { type: "string" },
  for: { type: "string", default: "60000" },
  encoding: { type: "string", default: "protobuf" },
  json: { type: "string" },
} as const;

function parse(args: readonly string[]) {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [verb, file, ...others] = positionals;
  if (verb !== "run" || file === undefined || others.length > 0) throw new TypeError("it wants: run FILE");
  if (values.url === undefined) throw new TypeError("--url says which server");
  if (values.encoding !== "json" && values.encoding !== "protobuf") {
    throw new TypeError(`--encoding is json or protobuf, not "${values.encoding}"`);
  }
  const users = values.users === undefined ? undefined : wholeOf("users", values.users);
  const forMs = wholeOf("for", values.for);
  return { file, transport: transportOf(values.url), json: values.json, users, forMs, encoding: values.encoding };
}

function wholeOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new RangeError(`--${name} is a whole number from 1, not "${text}"`);
}

function transportOf(text: string): Transport {
  const scheme = /^(tcp|tls|wss?):\/\/./.exec(text)?.[1];
  if (scheme === undefined || !URL.canParse(text)) throw new TypeError(`--url is tcp://, tls://, ws:// or wss://, not "${text}"`);
  if (scheme.startsWith("ws")) return webSocket(text);
  const { hostname, port } = new URL(text);
  if (port === "") throw new TypeError(`--url wants a port: "${text}"`);
  return tcp({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port), tls: scheme === "tls" });
}
