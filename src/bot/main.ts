#!/usr/bin/env node
import { runBots } from "./run-bots.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever says it twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort();
  });
}

process.exitCode = await runBots(process.argv.slice(2), {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  screen: {
    get columns() {
      return process.stderr.isTTY ? process.stderr.columns : undefined;
    },
    write: (text) => void process.stderr.write(text),
  },
  interrupted: interrupt.signal,
});
