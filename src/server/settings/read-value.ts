import type { Setting } from "./setting.ts";

/** A value out of a text: of the environment, or of a flag. Throws a TypeError that says what it should be. */
export function readText(setting: Setting, text: string): unknown {
  switch (setting.kind) {
    case "text":
      return text;
    case "list":
      return text === "" ? [] : text.split(",").map((one) => one.trim());
    case "map":
      return Object.fromEntries(text === "" ? [] : text.split(",").map(pair));
    case "number":
      return readValue(setting, text.trim() === "" ? Number.NaN : Number(text), text);
    case "flag":
      if (text !== "true" && text !== "false") throw new TypeError(`must be true or false, not "${text}"`);
      return text === "true";
    case "choice":
      return readValue(setting, text);
  }
}

/** A value as a file has it. Throws a TypeError that says what it should be. @param shown What to call it. */
export function readValue(setting: Setting, value: unknown, shown: unknown = value): unknown {
  const must = (what: string): never => {
    throw new TypeError(`must be ${what}, not ${JSON.stringify(shown) ?? typeof shown}`);
  };
  switch (setting.kind) {
    case "text":
      return typeof value === "string" ? value : must("a text");
    case "list":
      return Array.isArray(value) && value.every((one) => typeof one === "string") ? value : must("a list of texts");
    case "map":
      return isTexts(value) ? value : must("texts by names");
    case "number": {
      const { whole, least } = setting;
      // JSON has no other word for what has no bound.
      const isNumber = typeof value === "number" && value >= least && (!whole || Number.isInteger(value) || value === Infinity);
      return isNumber ? value : must(`a ${whole ? "whole number" : "number"} of at least ${least}`);
    }
    case "flag":
      return typeof value === "boolean" ? value : must("true or false");
    case "choice":
      return typeof value === "string" && setting.of.includes(value) ? value : must(`one of ${setting.of.join(", ")}`);
  }
}

function pair(text: string): readonly [name: string, value: string] {
  const at = text.indexOf("=");
  if (at < 1) throw new TypeError(`must be NAME=VALUE, with commas between, not "${text}"`);
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

function isTexts(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string");
}
