import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type FlatSettings, fromEnvironment, fromFlags, fromObject } from "./read-settings.ts";
import { SettingsError } from "./settings-error.ts";
import type { Settings } from "./tree.ts";

/** Where settings are looked for. */
export interface SettingsSources {
  /** The default is what the process was started with: `process.argv.slice(2)`. */
  readonly argv?: readonly string[];
  /** The default is `process.env`. Of names that begin with NANO_ each must be a setting's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where `nano.config.ts`, `.js`, `.mjs` or `.json` may be. The default is where the process is. */
  readonly folder?: string;
}

/** What was found, the later before the earlier: the file, the environment, flags. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** Somebody only asks what there is. */
  readonly help: boolean;
}

const fileNames = ["nano.config.ts", "nano.config.js", "nano.config.mjs", "nano.config.json"];

/**
 * Reads settings from `nano.config.ts` (or `.js`, `.mjs`, `.json`), from the environment (`NANO_LIMITS_CONNECTIONS`) and from flags
 * (`--limits.connections 100`), each going before the one named before it. `--config FILE`, or NANO_CONFIG, names another file.
 *
 * @throws {SettingsError} A setting that is none, or a value that makes no sense; or a file that cannot be read.
 */
export async function loadSettings(sources: SettingsSources = {}): Promise<LoadedSettings> {
  const { argv = process.argv.slice(2), env = process.env, folder = process.cwd() } = sources;
  const flags = fromFlags(argv);
  if (flags.help) return { settings: {}, help: true };
  const environment = fromEnvironment(env);
  const file = await fromFile(folder, flags.file ?? env["NANO_CONFIG"]);
  return { settings: nested([file, environment, flags.values]), help: false };
}

async function fromFile(folder: string, named: string | undefined): Promise<FlatSettings> {
  for (const name of named === undefined ? fileNames : [named]) {
    const path = resolve(folder, name);
    try {
      const text = await readFile(path, "utf8");
      const exported: unknown = name.endsWith(".json") ? JSON.parse(text) : await exportOf(path);
      return fromObject(name, exported);
    } catch (reason) {
      if (reason instanceof SettingsError) throw reason;
      if (named === undefined && isAbsence(reason, path)) continue;
      throw new SettingsError("config", `${name} cannot be read: ${reason instanceof Error ? reason.message : String(reason)}`);
    }
  }
  return new Map();
}

async function exportOf(path: string): Promise<unknown> {
  const { default: exported } = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  if (exported === undefined) throw new TypeError("it has no default export");
  return exported;
}

/** What a file imports may be missing as well: that is no absence of the file. */
function isAbsence(reason: unknown, path: string): boolean {
  return reason instanceof Error && "code" in reason && reason.code === "ENOENT" && "path" in reason && reason.path === path;
}

/** Of each setting the last value, in groups again. */
function nested(all: readonly FlatSettings[]): Settings {
  const root: Record<string, unknown> = {};
  for (const [key, value] of all.flatMap((one) => [...one])) {
    const path = key.split(".");
    let at = root;
    for (const group of path.slice(0, -1)) {
      at[group] ??= {};
      at = at[group] as Record<string, unknown>;
    }
    at[path.at(-1) ?? ""] = value;
  }
  return root as Settings;
}
