import { type JsonValue, toJson } from "@bufbuild/protobuf";
import { type Value, ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Transport } from "../../client/index.ts";
import type { Bot } from "../bot.ts";
import { unmet } from "./expectations.ts";
import { type HookWorld, runAfter, runBefore } from "./hooks.ts";
import { type PlainRoutes, plainRoutes } from "./plain-service.ts";
import type { Spec, SpecOperation } from "./spec.ts";
import { fieldsOf, jsonOf } from "./values.ts";

/** What a spec asks of the world around it. */
export interface SpecWorld extends HookWorld {
  /** The way to another server of the same kind: HOST:PORT, or a URL. */
  readonly transportTo: (host: string) => Transport;
}

const listenMs = 5_000;
const mostPushes = 1_000;

/** One user of a spec. Rejects at the first thing that is not as it should be. */
export async function playSpec(spec: Spec, bot: Bot, world: SpecWorld): Promise<void> {
  const store = new Map([...Object.entries(spec.store), ...(await runBefore(spec.preRun, world))]);
  const routes = plainRoutes(bot);
  const heard = hear(spec, routes);
  for (const [at, operation] of spec.sequentialOperations.entries()) {
    const { type, uri, args } = operation;
    const what = `${spec.name} [${at}] ${type} ${uri}`;
    let response: JsonValue | undefined;
    const known = { store, response };
    if (type === "request") response = await routes.request(uri, fieldsOf(args, known), {});
    else if (type === "notify") routes.notify(uri, fieldsOf(args, known));
    else if (type === "listen") response = await listen(bot, routes, heard, operation);
    else {
      await act(bot, operation, fieldsOf(args, known)["host"], world);
      // Of what the connection before was told nobody wants to hear.
      if (uri !== "sleep") for (const waiting of heard.values()) waiting.length = 0;
    }
    const words = unmet(operation, { store, response });
    if (operation.expect || operation.schema) bot.check(what, words === undefined);
    if (words !== undefined) throw new Error(`${what}: ${words}`);
    for (const [name, value] of Object.entries(operation.store ?? {})) store.set(name, jsonOf(value, { store, response }));
  }
  await runAfter(spec.postRun, store, world);
}

/** Keeps the pushes that a spec listens to: they may come before it does. */
function hear(spec: Spec, routes: PlainRoutes): ReadonlyMap<string, JsonValue[]> {
  const heard = new Map<string, JsonValue[]>();
  for (const { type, uri } of spec.sequentialOperations) {
    if (type !== "listen" || heard.has(uri)) continue;
    const waiting: JsonValue[] = [];
    heard.set(uri, waiting);
    routes.push(uri)((push: Value) => {
      if (waiting.length < mostPushes) waiting.push(toJson(ValueSchema, push));
    });
  }
  return heard;
}

async function listen(
  bot: Bot,
  routes: PlainRoutes,
  heard: ReadonlyMap<string, JsonValue[]>,
  { uri, timeout = listenMs }: SpecOperation,
): Promise<JsonValue | undefined> {
  const waiting = heard.get(uri);
  // One that is there already took no time.
  if (waiting?.length === 0) await bot.expect(routes.push(uri), { withinMs: timeout });
  return waiting?.shift();
}

async function act(bot: Bot, { uri, timeout = 0 }: SpecOperation, host: JsonValue | undefined, world: SpecWorld): Promise<void> {
  if (uri === "sleep") return bot.think(timeout);
  if (uri !== "connect") await bot.close();
  if (uri === "disconnect") return;
  if (typeof host === "string") bot.redirect(world.transportTo(host));
  await bot.connect();
}
