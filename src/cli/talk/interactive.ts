import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { complete } from "./complete.ts";
import type { Desk } from "./desk.ts";
import { runLine } from "./run-line.ts";

/** What somebody types at. */
export interface Console {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Where what was typed is kept for the next time; undefined: nowhere. */
  readonly historyFile: string | undefined;
  /** Takes the lines that are printed while somebody types. */
  attach(write: (line: string) => void): void;
}

const mostHistory = 1_000;

/** Reads lines from a terminal until `exit`, its end, or the signal. What comes meanwhile stands above the line that is being typed. */
export async function typeAt(
  desk: Desk,
  { input, output, historyFile, attach }: Console,
  interrupted: AbortSignal,
): Promise<void> {
  const history = readHistory(historyFile);
  // Newest first, as it is kept.
  desk.lines = history.toReversed();
  const typing = createInterface({
    ...{ input, output, terminal: true, historySize: mostHistory, removeHistoryDuplicates: true },
    history,
    prompt: "> ",
    completer: (line: string) => complete(desk, line),
  });
  attach((line) => {
    // Over the line that is being typed, which is written again below.
    output.write(`\r\u001B[K${line}\n`);
    typing.prompt(true);
  });
  typing.on("history", (lines) => writeHistory(historyFile, lines));
  interrupted.addEventListener("abort", () => typing.close(), { once: true });
  typing.on("SIGINT", () => typing.close());
  typing.prompt();
  for await (const line of typing) {
    const end = await runLine(desk, line);
    if (end === "exit") break;
    if (typeof end === "object") output.write(`${end.error}\n`);
    // What was typed meanwhile stays, and so does where it is typed.
    typing.prompt(true);
  }
  typing.close();
}

function readHistory(file: string | undefined): string[] {
  if (file === undefined) return [];
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .slice(0, mostHistory);
  } catch {
    return [];
  }
}

/** Others may not read it: what was typed may hold secrets. A disk that does not take it costs the history alone. */
function writeHistory(file: string | undefined, lines: readonly string[]): void {
  if (file === undefined) return;
  try {
    writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch {}
}
