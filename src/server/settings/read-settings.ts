import { parseArgs } from "node:util";
import { nearest } from "./nearest.ts";
import { readText, readValue } from "./read-value.ts";
import { isSetting, type Setting, type SettingTree, settingsIn } from "./setting.ts";
import { SettingsError } from "./settings-error.ts";
import { settingTree } from "./tree.ts";

/** Values by the whole names of their settings. */
export type FlatSettings = ReadonlyMap<string, unknown>;

const known = new Map(settingsIn(settingTree));
// Where the file is, and which of several processes this is.
const reserved = new Set(["NANO_CONFIG", "NANO_WORKER"]);

/** The name in the environment: "limits.queueBytes" is NANO_LIMITS_QUEUE_BYTES. */
export function environmentName(key: string): string {
  return `NANO_${key
    .replaceAll(".", "_")
    .replaceAll(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
}

/** What an object has, as a file exports it. @param source What to call it in errors. */
export function fromObject(source: string, object: unknown, tree: SettingTree = settingTree, before = ""): FlatSettings {
  if (typeof object !== "object" || object === null || Array.isArray(object)) {
    const key = before.slice(0, -1);
    throw new SettingsError(key, `${source}: ${key === "" ? "it" : key} must hold settings by their names`);
  }
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(object)) {
    const key = before + name;
    const of = Object.hasOwn(tree, name) ? tree[name] : undefined;
    if (of === undefined) throw unknownKey(`${source}: ${key}`, key, known.keys());
    if (value === undefined) continue;
    if (!isSetting(of)) for (const [inner, one] of fromObject(source, value, of, `${key}.`)) values.set(inner, one);
    else
      values.set(
        key,
        checked(`${source}: ${key}`, key, () => readValue(of, value)),
      );
  }
  return values;
}

/** What the environment has: every name that begins with NANO_ must be one of them. */
export function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): FlatSettings {
  const byName = new Map([...known.keys()].map((key) => [environmentName(key), key]));
  const values = new Map<string, unknown>();
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith("NANO_") || reserved.has(name) || text === undefined) continue;
    const key = byName.get(name);
    if (key === undefined) throw unknownKey(name, name, byName.keys());
    values.set(
      key,
      checked(name, key, () => readText(known.get(key) as Setting, text)),
    );
  }
  return values;
}

/** What flags say, as `--limits.connections 100`, `--reflection` and `--no-dictionary`; and the ways of a process. */
export function fromFlags(argv: readonly string[]): {
  readonly values: FlatSettings;
  readonly file?: string;
  readonly help: boolean;
} {
  const options = Object.fromEntries(
    [...known].map(([key, { kind }]) => [key, { type: kind === "flag" ? "boolean" : "string" } as const]),
  );
  const { tokens } = parseArgs({
    args: [...argv],
    options: { ...options, config: { type: "string" }, help: { type: "boolean", short: "h" } },
    ...{ strict: false, allowNegative: true, tokens: true },
  });
  const values = new Map<string, unknown>();
  let file: string | undefined;
  let help = false;
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") throw new SettingsError(token.value, `"${token.value}" is no flag`);
    const { name, rawName, value } = token;
    if (name === "help") help = true;
    else if (name === "config") file = given(name, rawName, value);
    else {
      const positive = name.replace(/^no-/, "");
      const off = rawName.startsWith("--no-") && known.get(positive)?.kind === "flag";
      const key = off ? positive : name;
      const setting = known.get(key);
      if (!setting) throw unknownKey(rawName, key, known.keys());
      if (setting.kind === "flag")
        values.set(
          key,
          checked(rawName, key, () => readText(setting, value ?? `${!off}`)),
        );
      else
        values.set(
          key,
          checked(rawName, key, () => readText(setting, given(key, rawName, value))),
        );
    }
  }
  return { values, help, ...(file === undefined ? {} : { file }) };
}

function given(key: string, rawName: string, value: string | undefined): string {
  if (value === undefined) throw new SettingsError(key, `${rawName} needs a value`);
  return value;
}

function checked(where: string, key: string, read: () => unknown): unknown {
  try {
    return read();
  } catch (reason) {
    if (!(reason instanceof TypeError)) throw reason;
    throw new SettingsError(key, `${where} ${reason.message}`);
  }
}

function unknownKey(where: string, key: string, names: Iterable<string>): SettingsError {
  const meant = nearest(key, names);
  return new SettingsError(key, `${where} is no setting${meant === undefined ? "" : `: did you mean ${meant}?`}`);
}
