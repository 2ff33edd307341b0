#!/usr/bin/env node
import { clearLine, cursorTo } from "node:readline";
import { runBots } from "./run-bots.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever says it twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort();
  });
}

function progress(line: string): void {
  clearLine(process.stderr, 0);
  cursorTo(process.stderr, 0);
  process.stderr.write(line);
}

process.exitCode = await runBots(process.argv.slice(2), {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  progress: process.stderr.isTTY ? progress : undefined,
  interrupted: interrupt.signal,
});
