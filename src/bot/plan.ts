import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ClientOptions, Transport } from "../client/index.ts";
import { waysTo } from "../dial/index.ts";
import { type Scenario, scenario } from "./scenario.ts";
import { isSpecs } from "./spec/is-specs.ts";
import { redisAt } from "./spec/redis.ts";
import { specScenario } from "./spec/spec-scenario.ts";

/** What is played against whom, in a form that goes from process to process. */
export interface Plan {
  readonly file: string;
  readonly url: string;
  readonly encoding: "json" | "protobuf";
  readonly ca: string | undefined;
  readonly insecure: boolean;
  /** So many users all the time, instead of what the scenario says. */
  readonly users: number | undefined;
  readonly forMs: number;
  /** Beside those of the scenario. */
  readonly thresholds: readonly string[];
  /** Where the states of specs are, and where their values go. */
  readonly redis: string | undefined;
  readonly save: string | undefined;
  /** What the handshakes tell as `user`, where the scenario does not say. */
  readonly user: object | undefined;
  /** How long an answer may take; undefined: what the method says, or the client. */
  readonly timeoutMs: number | undefined;
}

// All at once they would measure how the server takes a storm.
const entryMs = 5;

/** The scenario of a plan. Rejects where its file has none, or one that makes no sense. */
export async function scenarioOf(plan: Plan): Promise<Scenario> {
  const { users, forMs, thresholds: more } = plan;
  const loaded = await load(plan);
  const thresholds = { ...loaded.thresholds, also: [...(loaded.thresholds?.also ?? []), ...more] };
  const { stages, rate, once, ...rest } = loaded;
  const run: Scenario["run"] = (bot) => loaded.run(bot);
  const credentials = loaded.credentials?.bind(loaded);
  const common = { ...rest, thresholds, run, ...(credentials ? { credentials } : {}) };
  if (users === undefined) {
    return scenario({ ...common, ...(stages ? { stages } : {}), ...(rate ? { rate } : {}), ...(once ? { once } : {}) });
  }
  return scenario({
    ...common,
    stages: [
      { users, overMs: users * entryMs },
      { users, overMs: forMs },
    ],
  });
}

/** What the clients of a plan are made of. Throws a TypeError on an address that is none. */
export function clientOf(plan: Plan): (index: number) => ClientOptions {
  const transport = transportOf(plan);
  const { encoding, user, timeoutMs } = plan;
  const handshake = { platform: "nano-bot", ...(user ? { user } : {}) };
  const most = timeoutMs === undefined ? {} : { timeoutMs };
  return () => ({ transport, encoding, handshake, ...most });
}

function transportOf({ url, ca, insecure }: Plan): Transport {
  if (!/^(tcp|tls|wss?):\/\/./.test(url) || !URL.canParse(url)) {
    throw new TypeError(`--url is tcp://, tls://, ws:// or wss://, not "${url}"`);
  }
  const [way] = waysTo(url, { ca, insecure });
  if (!way) throw new TypeError(`--url: "${url}" leads nowhere`);
  return way.transport;
}

async function load(plan: Plan): Promise<Scenario> {
  const { file, url } = plan;
  if (isSpecs(file)) {
    const scheme = url.slice(0, url.indexOf(":"));
    const transportTo = (host: string) => transportOf({ ...plan, url: host.includes("://") ? host : `${scheme}://${host}` });
    const redis = plan.redis === undefined ? undefined : redisAt(plan.redis);
    return scenario(specScenario(file, { transportTo, redis, save: plan.save }));
  }
  if (!existsSync(file)) throw new TypeError(`${file} is not there`);
  const loaded: { readonly default?: Partial<Scenario> } = await import(pathToFileURL(resolve(file)).href);
  const { default: given } = loaded;
  if (typeof given?.run !== "function") throw new TypeError(`${file} exports no scenario as default`);
  return scenario(given as Scenario);
}
