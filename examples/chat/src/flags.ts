// What a program was told on its command line. Whatever makes no sense is said in a line, and ends it with 2.
import { type ParseArgsConfig, parseArgs } from "node:util";

/** @param usage What `--help` prints. */
export function readFlags<const O extends NonNullable<ParseArgsConfig["options"]>>(usage: string, options: O) {
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    console.log(usage);
    return process.exit(0);
  }
  try {
    return parseArgs({ args, options }).values;
  } catch (reason) {
    return refuse(`${reason instanceof Error ? reason.message : reason} (--help says which there are)`);
  }
}

/** A port by its flag. */
export function portOf(name: string, text: string): number {
  const number = Number(text);
  if (text !== "" && Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  return refuse(`--${name} is a port from 0 to 65535, not "${text}"`);
}

function refuse(words: string): never {
  console.error(words);
  return process.exit(2);
}
