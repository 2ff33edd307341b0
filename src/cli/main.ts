#!/usr/bin/env node
import { systemClock } from "../clock/index.ts";
import { commands } from "./commands.ts";
import { isAddress } from "./is-address.ts";
import { runCommand } from "./run-command.ts";

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // Whoever says it twice does not want to wait.
    if (interrupt.signal.aborted) process.exit(1);
    interrupt.abort();
  });
}

const given = process.argv.slice(2);
const [first] = given;
// Whoever gives an address, or only options, wants to talk.
const args =
  first === undefined || isAddress(first) || (first.startsWith("--") && first !== "--help" && first !== "--version")
    ? ["talk", ...given]
    : given;
// What a command waits for may hold nothing open: the library's timers do not.
const held = systemClock.after(Number.POSITIVE_INFINITY, () => {}, { keepAlive: true });
process.exitCode = await runCommand(commands, args, {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  interrupted: interrupt.signal,
});
held.cancel();
