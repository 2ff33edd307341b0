import type { JsonValue } from "@bufbuild/protobuf";
import { CommandError } from "../command.ts";

/** The first word of a line, and the rest as it was typed. */
export function firstWord(line: string): readonly [word: string, rest: string] {
  const [, word = "", rest = ""] = /^\s*(\S*)\s*(.*)$/s.exec(line) ?? [];
  return [word, rest.trimEnd()];
}

/** JSON that was typed; undefined where nothing was. Throws a CommandError. */
export function readData(text: string): JsonValue | undefined {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as JsonValue;
  } catch (reason) {
    throw new CommandError(`that is no JSON: ${reason instanceof Error ? reason.message : reason}`);
  }
}

/** What stands at a path, as "last.members[0]" or "last.a.b"; undefined where nothing does. */
export function at(values: ReadonlyMap<string, JsonValue>, path: string): JsonValue | undefined {
  const [name = "", ...steps] = path.split(/\.|\[|\]\.?/).filter((step) => step !== "");
  let value: JsonValue | undefined = values.get(name);
  for (const step of steps) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string, JsonValue>>)[step];
  }
  return value;
}

/**
 * Puts values in the place of `${path}`: as JSON, or within a string of JSON as its text. Throws a CommandError where there is no such value.
 */
export function filled(text: string, values: ReadonlyMap<string, JsonValue>): string {
  let quoted = false;
  return text.replace(/\\.|"|\$\{([^}]*)\}/g, (found, path?: string) => {
    if (path === undefined) {
      if (found === '"') quoted = !quoted;
      return found;
    }
    const value = at(values, path.trim());
    if (value === undefined) throw new CommandError(`there is no \${${path}}`);
    if (!quoted) return JSON.stringify(value);
    return typeof value === "string" ? JSON.stringify(value).slice(1, -1) : JSON.stringify(JSON.stringify(value)).slice(1, -1);
  });
}

/** Whether what came has all that was asked for: an object at least these fields, a list the same elements, all else the same. */
export function fits(wanted: JsonValue, came: JsonValue | undefined): boolean {
  if (typeof wanted !== "object" || wanted === null) return wanted === came;
  if (typeof came !== "object" || came === null || Array.isArray(wanted) !== Array.isArray(came)) return false;
  if (Array.isArray(wanted)) {
    return Array.isArray(came) && wanted.length === came.length && wanted.every((one, index) => fits(one, came[index]));
  }
  const fields = came as Readonly<Record<string, JsonValue>>;
  return Object.entries(wanted).every(([name, value]) => fits(value, fields[name]));
}
