import { appendFileSync } from "node:fs";
import type { JsonValue } from "@bufbuild/protobuf";
import { askRedis } from "./redis.ts";
import type { SpecHook } from "./spec.ts";

/** What hooks reach for. */
export interface HookWorld {
  /** Undefined: there is none. */
  readonly redis: URL | undefined;
  /** Where users' values are kept; undefined: nowhere. */
  readonly save: string | undefined;
}

type Store = ReadonlyMap<string, JsonValue>;

// As the original does by its own scripts: what users begin with stands in one set, and in another while somebody has it.
const take = `local value = redis.call("SPOP", KEYS[1] .. ":available")
if value then redis.call("SADD", KEYS[1] .. ":used", value) end
return value`;

/** Why a hook cannot run, in words; undefined where it can. */
export function hookFault(hook: SpecHook, when: "preRun" | "postRun", { redis }: HookWorld): string | undefined {
  const name = hook.args?.["name"];
  if (hook.function === "saveToFile" && when === "postRun") return undefined;
  // A spec of the original's own names it, and nothing there hears it.
  if (hook.function === "initializeDb" && when === "preRun") return undefined;
  if (hook.function !== "redis") {
    const known = when === "preRun" ? "redis" : "redis, saveToFile";
    return `there is ${known}; pitaya-bot itself does nothing with another name: leave it out, or give "store"`;
  }
  if (typeof name !== "string" || name === "") return "args.name is the name of its set in Redis";
  if (!redis) return 'redis wants --redis HOST:PORT; or give "store" in its place: what users begin with';
  return undefined;
}

/** What a user begins with. Rejects where Redis has nothing, or says what is no object. */
export async function runBefore(hook: SpecHook | undefined, { redis }: HookWorld): Promise<Store> {
  if (hook?.function !== "redis" || !redis) return new Map();
  const name = String(hook.args?.["name"]);
  const text = await askRedis(redis, "EVAL", take, "1", name);
  if (text === undefined) throw new Error(`preRun: ${name}:available is empty: there are more users than states`);
  const state: unknown = JSON.parse(text);
  if (typeof state !== "object" || state === null || Array.isArray(state)) throw new Error(`preRun: ${text} is no object`);
  return new Map(Object.entries(state as { readonly [name: string]: JsonValue }));
}

/** What becomes of what a user has kept, when it is through. */
export async function runAfter(hook: SpecHook | undefined, store: Store, { redis, save }: HookWorld): Promise<void> {
  const kept = JSON.stringify(Object.fromEntries(store));
  if (hook?.function === "redis" && redis) await askRedis(redis, "SADD", `${hook.args?.["name"]}:available`, kept);
  // In the original it is a name that nobody hears; where no file is named, it is that here, too.
  if (hook?.function === "saveToFile" && save !== undefined) appendFileSync(save, `${kept}\n`);
}
