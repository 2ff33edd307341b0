#!/usr/bin/env node
import { registryCommand } from "./registry/registry-command.ts";
import { runCommand } from "./run-command.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever says it twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort();
  });
}

process.exitCode = await runCommand([registryCommand], process.argv.slice(2), {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  interrupted: interrupt.signal,
});
