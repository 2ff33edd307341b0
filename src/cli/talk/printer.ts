import type { JsonValue } from "@bufbuild/protobuf";
import type { NanoError } from "../../client/index.ts";

/** Where lines go. */
export interface PrinterOptions {
  write(line: string): void;
  /** For machines: every line is an object. */
  readonly json: boolean;
  readonly colours: boolean;
}

/** Says what came, for people or for machines. */
export interface Printer {
  readonly options: PrinterOptions;
  answer(route: string, data: JsonValue, how: { readonly tookMs: number | undefined; readonly pretty: boolean }): void;
  failed(route: string, error: NanoError): void;
  /** A notify was not handled. */
  unhandled(route: string, code: string, message: string): void;
  push(route: string, data: JsonValue, pretty: boolean): void;
  raw(way: "out" | "in", bytes: Uint8Array): void;
  /** For machines: an object of its own form. */
  object(data: object): void;
  /** What is said beside: people read it, machines as `note`. */
  note(text: string): void;
}

const dim = 2;
const red = 31;
const cyan = 36;

/** Makes one. */
export function createPrinter(options: PrinterOptions): Printer {
  const { write, json, colours } = options;
  const paint = (colour: number, text: string): string => (colours ? `\u001B[${colour}m${text}\u001B[0m` : text);
  const say = (object: object, text: () => string): void => write(json ? JSON.stringify(object) : text());
  return {
    options,
    answer: (route, data, { tookMs, pretty }) =>
      say({ answer: route, data, ...(tookMs === undefined ? {} : { tookMs: rounded(tookMs) }) }, () =>
        tookMs === undefined ? written(data, pretty) : `${paint(dim, `${rounded(tookMs)} ms`)}  ${written(data, pretty)}`,
      ),
    failed: (route, { code, message, metadata }) =>
      say({ error: route, code, message, metadata }, () => `${paint(red, code)}  ${plain(message)}`),
    unhandled: (route, code, message) =>
      say({ failed: route, code, message }, () => `${paint(cyan, route)}  ${paint(red, plain(code))}  ${plain(message)}`),
    push: (route, data, pretty) => say({ push: route, data }, () => `${paint(cyan, route)}  ${written(data, pretty)}`),
    raw: (way, bytes) =>
      say({ raw: way, hex: Buffer.from(bytes).toString("hex") }, () =>
        paint(dim, `${way === "out" ? "->" : "<-"} ${Buffer.from(bytes).toString("hex")}`),
      ),
    object: (data) => write(JSON.stringify(data)),
    note: (text) => say({ note: text }, () => plain(text)),
  };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function written(data: JsonValue, pretty: boolean): string {
  return plain(JSON.stringify(data, undefined, pretty ? 2 : 0));
}

/** A server's words do not steer the terminal: what is no letter is written by its number. */
function plain(text: string): string {
  return text.replace(unprintable, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
const unprintable = /[\u0000-\u0009\u000B-\u001F\u007F-\u009F]/g;
