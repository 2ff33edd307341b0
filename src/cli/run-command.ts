import { createRequire } from "node:module";
import { type CommandEntry, CommandError, type Terminal } from "./command.ts";
import { strayWord } from "./stray-word.ts";

/** What the world around a command is. */
export interface Shell extends Terminal {
  /** Writes a line on what went wrong. */
  complain(line: string): void;
}

/** Finds the command that was called, and runs it. Gives the exit code: 0 where all went well, 1 otherwise. */
export async function runCommand(commands: readonly CommandEntry[], args: readonly string[], shell: Shell): Promise<number> {
  const [name, ...rest] = args;
  if (name === "--help" || name === "-h" || name === "help") {
    shell.print(overview(commands));
    return 0;
  }
  if (name === "--version" || name === "-V") {
    const { version }: { readonly version: string } = createRequire(import.meta.url)("nano-rpc/package.json");
    shell.print(version);
    return 0;
  }
  const entry = commands.find((one) => one.name === name);
  if (!entry) {
    if (name === undefined) shell.complain(`nano-cli: which command?\n${overview(commands)}`);
    else {
      const names = commands.map((one) => one.name);
      shell.complain(`nano-cli: there is no command "${name}": ${strayWord(name, names)} (nano-cli --help lists them)`);
    }
    return 1;
  }
  const command = await entry.load();
  if (rest.includes("--help") || rest.includes("-h")) {
    shell.print(command.help);
    return 0;
  }
  try {
    return await command.run(rest, shell);
  } catch (reason) {
    if (!(reason instanceof CommandError)) throw reason;
    shell.complain(`nano-cli ${command.name}: ${reason.message.replace(aside, "")}`);
    return 1;
  }
}

// Node says it of every option that there is not.
const aside =
  /\. To specify a positional argument starting with a '-', place it at the end of the command after '--', as in '-- "[^"]*"(?= )/;

function overview(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Usage: nano-cli COMMAND [OPTIONS]",
    "       nano-cli ADDRESS [OPTIONS]",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "ADDRESS is where a server listens, as ws://127.0.0.1:3250 or 127.0.0.1:3250: it is talked to.",
    "nano-cli COMMAND --help tells more of one, nano-cli --version which this is.",
  ].join("\n");
}
