import { parseArgs } from "node:util";
import { type Command, CommandError } from "../command.ts";
import { makeProject } from "./make-project.ts";

const help = `Usage: nano-cli new NAME

Makes a working project in the new folder NAME: a schema, a gate, one service, a typed client,
tests and a Dockerfile. It writes files, and installs nothing.

  NAME  the folder and the package: small letters, digits, "-", "_" and "."`;

/** `nano-cli new`. */
export const newCommand: Command = {
  name: "new",
  help,
  async run(args, { print }) {
    const name = readArgs(args);
    for (const path of await makeProject(name)) print(`${name}/${path}`);
    print("");
    print(`Next: cd ${name} && npm install && npm run generate && npm test && npm start`);
    return 0;
  },
};

function readArgs(args: readonly string[]): string {
  let names: readonly string[];
  try {
    names = parseArgs({ args: [...args], options: {}, allowPositionals: true }).positionals;
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli new --help)`);
  }
  const [name] = names;
  if (name === undefined || names.length > 1) throw new CommandError("it wants one NAME (see nano-cli new --help)");
  // What npm takes as the name of a package, and every shell and system as that of a folder.
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name)) {
    throw new CommandError(
      `"${name}" is no name: up to 100 small letters, digits, "-", "_" and ".", beginning with a letter or digit`,
    );
  }
  return name;
}
