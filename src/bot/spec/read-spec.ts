import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type HookWorld, hookFault } from "./hooks.ts";
import { comparisons, type JsonSchema, type Spec, type SpecHook, type SpecOperation } from "./spec.ts";

/** The specs of a file, or all `*.json` of a folder and those below it. Throws a TypeError that says what is wrong, and where. */
export function readSpecs(path: string, world: HookWorld): readonly Spec[] {
  const files = path.endsWith(".json")
    ? [path]
    : readdirSync(path, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".json"))
        .sort()
        .map((name) => join(path, name));
  if (files.length === 0) throw new TypeError(`${path} has no *.json`);
  return files.map((file) => readOne(file, world));
}

const known = ["name", "numberOfInstances", "sequentialOperations", "store", "preRun", "postRun"];
const kinds = ["request", "notify", "listen", "function"];
const functions = ["connect", "disconnect", "reconnect", "sleep"];
const ofOperation = ["type", "uri", "timeout", "args", "expect", "store", "schema", "change"];
const types = ["string", "int", "float", "double", "number", "bool", "object", "array", "null"];
const words = [
  ...["type", "properties", "required", "items", "enum", "minimum", "maximum", "minLength", "maxLength"],
  ...["minItems", "maxItems", "pattern", "description", "title", "$schema"],
];

function readOne(file: string, world: HookWorld): Spec {
  const wrong = (where: string, what: string): never => {
    throw new TypeError(`${file}: ${where}${where === "" ? "" : ": "}${what}`);
  };
  const object = (value: unknown, where: string): Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : wrong(where, "it is an object");
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, "utf8"));
  } catch (reason) {
    wrong("", reason instanceof Error ? reason.message : String(reason));
  }
  const spec = object(parsed, "");
  for (const key of Object.keys(spec)) if (!known.includes(key)) wrong(key, `there is ${known.join(", ")}`);
  const hookOf = (when: "preRun" | "postRun"): SpecHook | undefined => {
    if (spec[when] === undefined || spec[when] === null) return undefined;
    const { function: name, args = {} } = object(spec[when], when);
    if (typeof name !== "string") return wrong(`${when}.function`, "it is a name");
    const hook: SpecHook = { function: name, args: object(args, `${when}.args`) as NonNullable<SpecHook["args"]> };
    const fault = hookFault(hook, when, world);
    return fault === undefined ? hook : wrong(when, fault);
  };
  const { numberOfInstances = 1, sequentialOperations, name = basename(file, ".json"), store = {} } = spec;
  if (!Number.isSafeInteger(numberOfInstances) || Number(numberOfInstances) < 1)
    wrong("numberOfInstances", "it is a whole number from 1");
  if (!Array.isArray(sequentialOperations) || sequentialOperations.length === 0)
    wrong("sequentialOperations", "it is a list, and not empty");
  object(store, "store");

  function checkValue(value: unknown, where: string): void {
    const { type, value: said } = object(value, where);
    if (typeof type !== "string" || !types.includes(type)) wrong(`${where}.type`, `it is one of ${types.join(", ")}`);
    if (typeof said === "string" && said.startsWith("$")) return;
    if (type === "object") checkFields(said, where);
    if (type === "array") {
      if (!Array.isArray(said)) return wrong(`${where}.value`, "it is a list");
      for (const [at, one] of said.entries()) checkValue(one, `${where}[${at}]`);
    }
  }

  function checkFields(fields: unknown, where: string): void {
    if (fields === undefined || fields === null) return;
    for (const [field, value] of Object.entries(object(fields, where))) checkValue(value, `${where}.${field}`);
  }

  function checkSchema(schema: unknown, where: string): void {
    const given = object(schema, where);
    for (const word of Object.keys(given))
      if (!words.includes(word)) wrong(`${where}.${word}`, `of JSON Schema there is ${words.join(", ")}`);
    const { properties = {}, items } = given as JsonSchema;
    for (const [field, one] of Object.entries(properties)) checkSchema(one, `${where}.properties.${field}`);
    if (items !== undefined) checkSchema(items, `${where}.items`);
  }

  for (const [at, given] of (sequentialOperations as readonly unknown[]).entries()) {
    const where = `sequentialOperations[${at}]`;
    const operation = object(given, where);
    const { type, uri, timeout, expect, schema } = operation;
    for (const key of Object.keys(operation))
      if (kinds.includes(key))
        wrong(`${where}.${key}`, `an early form: write "type": "${key}", "uri": ${JSON.stringify(operation[key])}`);
      else if (!ofOperation.includes(key)) wrong(`${where}.${key}`, `there is ${ofOperation.join(", ")}`);
    if (typeof type !== "string" || !kinds.includes(type)) wrong(`${where}.type`, `it is one of ${kinds.join(", ")}`);
    if (typeof uri !== "string" || uri === "") wrong(`${where}.uri`, "it is a route, or the name of a function");
    if (type === "function" && !functions.includes(String(uri)))
      wrong(`${where}.uri`, `there are the functions ${functions.join(", ")}`);
    if (timeout !== undefined && !(Number(timeout) >= 0)) wrong(`${where}.timeout`, "it is milliseconds");
    checkFields(operation["args"], `${where}.args`);
    checkFields(operation["store"], `${where}.store`);
    if (schema !== undefined) checkSchema(schema, `${where}.schema`);
    for (const [path, wanted] of Object.entries(
      expect === undefined || expect === null ? {} : object(expect, `${where}.expect`),
    )) {
      const { op = "eq" } = object(wanted, `${where}.expect.${path}`);
      if (!path.startsWith("$response")) wrong(`${where}.expect.${path}`, "a path begins with $response");
      if (!comparisons.some((one) => one === op)) wrong(`${where}.expect.${path}.op`, `it is one of ${comparisons.join(", ")}`);
      if (op !== "exists") checkValue(wanted, `${where}.expect.${path}`);
    }
  }
  return {
    name: String(name),
    numberOfInstances: Number(numberOfInstances),
    sequentialOperations: sequentialOperations as readonly SpecOperation[],
    store: store as Spec["store"],
    preRun: hookOf("preRun"),
    postRun: hookOf("postRun"),
  };
}
