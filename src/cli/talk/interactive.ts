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
  let busy = false;
  attach((line) => {
    // Over the line that is being typed, from its first row on; it is written again below.
    const { rows } = typing.getCursorPos();
    output.write(`\r${rows > 0 ? `\u001B[${rows}A` : ""}\u001B[J${line}\n`);
    atNewRow(typing);
    typing.prompt(true);
  });
  typing.on("history", (lines) => writeHistory(historyFile, lines));
  interrupted.addEventListener("abort", () => typing.close(), { once: true });
  // What is being done is given up first, then what is being typed, then all.
  typing.on("SIGINT", () => {
    if (busy) desk.interrupt();
    else if (typing.line === "") typing.close();
    else {
      output.write("^C\n");
      atNewRow(typing);
      for (const name of ["e", "u"]) typing.write(null, { ctrl: true, name });
    }
  });
  typing.prompt();
  for await (const line of typing) {
    busy = true;
    const end = await runLine(desk, line);
    busy = false;
    if (end === "exit") break;
    if (typeof end === "object") output.write(`${end.error}\n`);
    // Whose line it is.
    typing.setPrompt(desk.at === "1" && desk.talks.size <= 1 ? "> " : `${desk.at}> `);
    // What was typed meanwhile stays, and so does where it is typed.
    typing.prompt(true);
  }
  typing.close();
}

/** What is typed is written again where the cursor stands now: without this readline would go up by the rows that it had. */
function atNewRow(typing: object): void {
  (typing as { prevRows?: number }).prevRows = 0;
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
