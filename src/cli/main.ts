#!/usr/bin/env node
import { isAddress } from "../dial/index.ts";
import { breakingCommand } from "./breaking/breaking-command.ts";
import { serversCommand } from "./cluster/servers-command.ts";
import { kickCommand, pushCommand } from "./cluster/user-commands.ts";
import { doctorCommand } from "./doctor/doctor-command.ts";
import { registryCommand } from "./registry/registry-command.ts";
import { releaseCommand } from "./release/release-command.ts";
import { runCommand } from "./run-command.ts";
import { schemaCommand } from "./schema/schema-command.ts";
import { talkCommand } from "./talk/talk-command.ts";

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
  first === undefined || isAddress(first) || (first.startsWith("--") && first !== "--help") ? ["talk", ...given] : given;
const commands = [
  ...[talkCommand, registryCommand, schemaCommand, releaseCommand, breakingCommand],
  ...[serversCommand, kickCommand, pushCommand, doctorCommand],
];
process.exitCode = await runCommand(commands, args, {
  print: (line) => console.log(line),
  complain: (line) => console.error(line),
  interrupted: interrupt.signal,
});
