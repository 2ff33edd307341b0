import { parseArgs } from "node:util";
import type { Plan } from "./plan.ts";
import { isSpecs } from "./spec/is-specs.ts";
import { originalFault } from "./spec/original-flags.ts";
import { parseThreshold } from "./thresholds.ts";

/** What `nano-bot run` was called with. */
export interface RunArguments {
  readonly plan: Plan;
  readonly processes: number;
  /** Files to write. */
  readonly json: string | undefined;
  readonly junit: string | undefined;
  readonly report: string | undefined;
  /** Where the run is shown to Prometheus. */
  readonly prometheus: { readonly host: string; readonly port: number } | undefined;
  /** Where the servers show themselves to Prometheus. */
  readonly metrics: readonly string[];
}

export const runHelp = `Usage: nano-bot run FILE --url URL [OPTIONS]
       nano-bot generate MODULE [--out FILE]
       nano-bot --version

generate prints a scenario, or writes it into the new file FILE: random traffic that keeps the rules
of the schema, with a weight for each method of the services that MODULE (what protoc-gen-nano printed
for clients, as gen/chat/v1/chat_client.ts) exports. It needs fast-check (npm i -D fast-check).

run plays the scenario that FILE exports as default against a server (tcp://HOST:PORT, tls://, ws://,
wss://). FILE may be a spec of pitaya-bot (*.json), or a folder of them: users speak plain JSON, to
servers of Pitaya and pomelo as well. Ends with 0 where all thresholds hold, 1 where one does not, 2 where it could not begin.

How many:
  --users N           so many users all the time, instead of what the scenario says; 200 a second come in
  --for MS            how long, with --users, when they are in (default: 60000)
  --processes N       in so many processes, each with a core of its own (default: 1)

How they talk:
  --encoding NAME     json or protobuf (default: protobuf; specs speak JSON)
  --user JSON         what the handshake tells as its user, where the scenario does not say: a token
  --timeout MS        how long an answer may take (default: what the method says, or 5000)
  --ca FILE           takes certificates of these authorities (PEM) for tls:// and wss://
  --insecure          takes any certificate for tls:// and wss://

Specs of pitaya-bot:
  --redis HOST:PORT   where preRun and postRun take what users begin with from, and bring it back to
                      (or redis://USER:PASSWORD@HOST:PORT/DATABASE)
  --save FILE         where saveToFile writes what users have kept, an object a line

What comes of it:
  --threshold TEXT    what must hold, besides what the scenario says; again for more:
                      p50, p95, p99, max, push_p99 ("p99<50ms"), errors, delivered, resumed, checks
                      ("errors<0.1%", "delivered=100%"), duplicates ("duplicates=0");
                      of one route: "p99(room.room.join)<50ms"
  --report FILE       writes a page of HTML with charts, which needs nothing else
  --json FILE         writes the figures, second by second
  --junit FILE        writes the thresholds as JUnit's XML
  --prometheus H:P    shows the run at http://H:P/metrics while it lasts
  --metrics URL       reads the server's own metrics (http://HOST:PORT/metrics) into the report; again for more`;

const options = {
  url: { type: "string" },
  users: { type: "string" },
  for: { type: "string", default: "60000" },
  processes: { type: "string", default: "1" },
  encoding: { type: "string" },
  user: { type: "string" },
  timeout: { type: "string" },
  ca: { type: "string" },
  insecure: { type: "boolean", default: false },
  threshold: { type: "string", multiple: true },
  redis: { type: "string" },
  save: { type: "string" },
  report: { type: "string" },
  json: { type: "string" },
  junit: { type: "string" },
  prometheus: { type: "string" },
  metrics: { type: "string", multiple: true },
} as const;

const mostProcesses = 64;

/** Reads them. Throws a TypeError or RangeError that says what is wrong. */
export function runArguments(args: readonly string[]): RunArguments {
  const fault = originalFault(args);
  if (fault !== undefined) throw new TypeError(fault);
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new TypeError("it wants: run FILE");
  const specs = isSpecs(file);
  const { url, redis, save, encoding = specs ? "json" : "protobuf", ca, insecure, threshold: thresholds = [] } = values;
  if (url === undefined) throw new TypeError("--url says which server");
  if (encoding !== "json" && encoding !== "protobuf") throw new TypeError(`--encoding is json or protobuf, not "${encoding}"`);
  if (specs && encoding !== "json") throw new TypeError("specs speak JSON: leave --encoding out");
  if (!specs && (redis ?? save) !== undefined) throw new TypeError("--redis and --save are for specs: files of JSON");
  for (const text of thresholds) parseThreshold(text);
  const processes = wholeOf("processes", values.processes);
  if (processes > mostProcesses) throw new RangeError(`--processes is at most ${mostProcesses}`);
  const users = values.users === undefined ? undefined : wholeOf("users", values.users);
  const forMs = wholeOf("for", values.for);
  const timeoutMs = values.timeout === undefined ? undefined : wholeOf("timeout", values.timeout);
  return {
    plan: { file, url, encoding, ca, insecure, users, forMs, timeoutMs, thresholds, user: userOf(values.user), redis, save },
    ...{ processes, json: values.json, junit: values.junit, report: values.report },
    prometheus: values.prometheus === undefined ? undefined : placeOf(values.prometheus),
    metrics: (values.metrics ?? []).map(pageOf),
  };
}

function wholeOf(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new RangeError(`--${name} is a whole number from 1, not "${text}"`);
}

function userOf(text: string | undefined): object | undefined {
  if (text === undefined) return undefined;
  try {
    const user: unknown = JSON.parse(text);
    if (typeof user === "object" && user !== null) return user;
  } catch {}
  throw new TypeError(`--user is an object as JSON, not "${text}"`);
}

function placeOf(text: string): { readonly host: string; readonly port: number } {
  const [, host = "", port] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "") throw new TypeError(`--prometheus is HOST:PORT, not "${text}"`);
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}

function pageOf(text: string): string {
  if (/^https?:\/\/./.test(text) && URL.canParse(text)) return text;
  throw new TypeError(`--metrics is an address with http:// or https://, not "${text}"`);
}
