import cluster from "node:cluster";
import type { Server } from "../../context/index.ts";
import { createServer } from "../create-server.ts";
import type { ServerOptions } from "../server-options.ts";
import { loadSettings, type Settings, SettingsError, type SettingsSources, withSettings } from "../settings/index.ts";
import { debugOnSignal } from "./debug-signal.ts";
import { settingsHelp } from "./settings-help.ts";
import { asWorker, workerNumber } from "./worker.ts";
import { runWorkers } from "./workers.ts";

/** What a process serves: options of a server, or what makes them, in each worker anew. */
export type Served = ServerOptions | (() => ServerOptions | Promise<ServerOptions>);

/**
 * Runs a server as a process of its own: with settings from `nano.config.ts`, the environment and flags over the options of the code, and ended by SIGTERM and
 * SIGINT; SIGUSR2 sets the level of its log to "debug", and back. `docs/reference/configuration.md` lists the settings; `--help` does so, too.
 *
 * It ends the process with exit code 2 where a setting or an option makes no sense, and with 1 where the server does not start: a line on stderr says why.
 * With `workers` it starts that many processes of the same script, and keeps them up.
 *
 * @returns The server, when it has started; undefined in the process that only looks after workers.
 */
export async function serve(served: Served, sources: SettingsSources = {}): Promise<Server | undefined> {
  try {
    const env = sources.env ?? process.env;
    const { settings, help } = await loadSettings(sources);
    if (help) {
      process.stdout.write(settingsHelp());
      process.exit(0);
    }
    const number = workerNumber(env);
    const workers = settings.workers ?? 1;
    if (workers > 1 && number === undefined) {
      mustBeFixed(settings);
      await runWorkers(workers);
      return undefined;
    }
    const server = createServer(await optionsOf(served, settings, number));
    if (settings.logLevel !== undefined) server.log.level = settings.logLevel;
    debugOnSignal(server.log);
    await server.start();
    if (number !== undefined) {
      cluster.worker?.send("ready");
      // The way to the parent is not to keep a worker whose server has ended.
      process.channel?.unref();
    }
    return server;
  } catch (reason) {
    process.stderr.write(`${reason instanceof Error ? reason.message : String(reason)}\n`);
    process.exit(isMistake(reason) ? 2 : 1);
  }
}

async function optionsOf(served: Served, settings: Settings, number: number | undefined): Promise<ServerOptions> {
  const options = withSettings(typeof served === "function" ? await served() : served, settings);
  if (number !== undefined) return asWorker({ signals: ["SIGTERM"], ...options }, number);
  return { signals: ["SIGTERM", "SIGINT"], ...options };
}

/** Ports that the system picks would be another one for each worker. */
function mustBeFixed({ tcp, ws }: Settings): void {
  for (const [key, listen] of [
    ["tcp.listen", tcp?.listen],
    ["ws.listen", ws?.listen],
  ] as const) {
    if (listen?.endsWith(":0")) throw new SettingsError(key, `${key} must name a port: workers share it`);
  }
}

function isMistake(reason: unknown): boolean {
  return reason instanceof SettingsError || reason instanceof TypeError || reason instanceof RangeError;
}
