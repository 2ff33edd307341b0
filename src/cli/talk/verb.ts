import type { JsonValue } from "@bufbuild/protobuf";
import { CommandError } from "../command.ts";
import type { Desk } from "./desk.ts";

/** One thing that can be typed. */
export interface Verb {
  readonly name: string;
  /** As "request ROUTE [JSON]". */
  readonly usage: string;
  readonly summary: string;
  /** What stands in the first place behind it, for completion. */
  readonly takes?: "request" | "notify" | "push" | "route";
  /** The words that may stand there instead. */
  words?(desk: Desk): readonly string[];
  /** @param rest What was typed behind it, with its values filled in. Throws a CommandError where it cannot; NanoErrors are the server's. */
  run(desk: Desk, rest: string): void | Promise<void>;
}

/** How a value is named in data. */
export function slot(path: string): string {
  return `\${${path}}`;
}

/** What a switch may be set to. */
export const onOffWords = (): readonly string[] => ["on", "off"];

/** What a switch is set to: the other way where nothing is said. Throws a CommandError. */
export function onOff(rest: string, was: boolean): boolean {
  if (rest !== "" && rest !== "on" && rest !== "off") throw new CommandError(`it is "on" or "off", not "${rest}"`);
  return rest === "" ? !was : rest === "on";
}

/** A value for people. */
export function shown(data: JsonValue | undefined, pretty = false): string {
  return data === undefined ? "nothing" : JSON.stringify(data, undefined, pretty ? 2 : 0);
}
