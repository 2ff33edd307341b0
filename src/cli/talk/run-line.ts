import { NanoError } from "../../client/index.ts";
import { CommandError } from "../command.ts";
import type { Desk } from "./desk.ts";
import { verbs } from "./verbs.ts";
import { filled, firstWord } from "./words.ts";

/** How a line ended. */
export type LineEnd = "done" | "exit" | { readonly error: string };

/** Does what a line says. Empty ones, and those that begin with "#", say nothing. Never rejects for what was typed, or for what a server says. */
export async function runLine(desk: Desk, line: string): Promise<LineEnd> {
  const [name, rest] = firstWord(line);
  if (name === "" || name.startsWith("#")) return "done";
  desk.typed(line.trim());
  if (name === "exit" || name === "quit") return "exit";
  if (name === "help") {
    for (const text of helpLines()) desk.printer.note(text);
    return "done";
  }
  const verb = verbs.find((one) => one.name === name);
  if (!verb) return { error: `there is no "${name}": "help" lists what there is` };
  try {
    const { interrupted } = desk;
    await Promise.race([verb.run(desk, filled(rest, desk.values)), aborted(interrupted)]);
    return "done";
  } catch (reason) {
    if (reason instanceof CommandError) return { error: reason.message };
    if (reason instanceof NanoError) return { error: `${reason.code}: ${reason.message}` };
    throw reason;
  }
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}

/** What can be typed. */
export function helpLines(): readonly string[] {
  const all = [...verbs, { usage: "help", summary: "shows this" }, { usage: "exit", summary: "ends" }];
  const width = Math.max(...all.map(({ usage }) => usage.length));
  return all.map(({ usage, summary }) =>
    usage.length > 28 ? `${usage}\n${" ".repeat(30)}${summary}` : `${usage.padEnd(Math.min(width, 28))}  ${summary}`,
  );
}
