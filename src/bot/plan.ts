import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ClientOptions } from "../client/index.ts";
import { waysTo } from "../dial/index.ts";
import { type Scenario, scenario } from "./scenario.ts";

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
  /** What the handshakes tell as `user`, where the scenario does not say. */
  readonly user: object | undefined;
}

// All at once they would measure how the server takes a storm.
const entryMs = 5;

/** The scenario of a plan. Rejects where its file has none, or one that makes no sense. */
export async function scenarioOf({ file, users, forMs, thresholds: more }: Plan): Promise<Scenario> {
  const loaded = await load(file);
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
export function clientOf({ url, encoding, ca, insecure, user }: Plan): (index: number) => ClientOptions {
  if (!/^(tcp|tls|wss?):\/\/./.test(url) || !URL.canParse(url)) {
    throw new TypeError(`--url is tcp://, tls://, ws:// or wss://, not "${url}"`);
  }
  const [way] = waysTo(url, { ca, insecure });
  if (!way) throw new TypeError(`--url: "${url}" leads nowhere`);
  const { transport } = way;
  const handshake = { platform: "nano-bot", ...(user ? { user } : {}) };
  return () => ({ transport, encoding, handshake });
}

async function load(file: string): Promise<Scenario> {
  const loaded: { readonly default?: Partial<Scenario> } = await import(pathToFileURL(resolve(file)).href);
  const { default: given } = loaded;
  if (typeof given?.run !== "function") throw new TypeError(`${file} exports no scenario as default`);
  return scenario(given as Scenario);
}
