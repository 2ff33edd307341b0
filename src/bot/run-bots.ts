import { createRequire } from "node:module";
import { runArguments, runHelp } from "./arguments.ts";
import type { Screen } from "./progress.ts";

/** What `nano-bot` sees of the world that it was called from. */
export interface Shell {
  print(line: string): void;
  complain(line: string): void;
  /** Where it is shown how it goes; undefined: nowhere. */
  readonly screen: Screen | undefined;
  readonly interrupted: AbortSignal;
}

/** Runs what was called. Gives the exit code. */
export async function runBots(args: readonly string[], shell: Shell): Promise<number> {
  const [verb, ...rest] = args;
  if (args.includes("--help") || args.includes("-h") || verb === "help") {
    shell.print(runHelp);
    return 0;
  }
  if (verb === "--version" || verb === "-V") {
    const { version }: { readonly version: string } = createRequire(import.meta.url)("nano-rpc/package.json");
    shell.print(version);
    return 0;
  }
  try {
    if (verb === "generate") {
      const { generate } = await import("./generate.ts");
      await generate(rest, shell.print);
      return 0;
    }
    if (verb !== "run") throw new TypeError("it wants: run FILE, or generate MODULE");
    const given = runArguments(rest);
    // What plays is only loaded where something is played.
    const { runPlan } = await import("./run-plan.ts");
    return await runPlan(given, shell);
  } catch (reason) {
    shell.complain(`nano-bot: ${inWords(reason)}`);
    return 2;
  }
}

/** What went wrong, and what to do about it. */
function inWords(reason: unknown): string {
  const words = reason instanceof Error ? reason.message : `${reason}`;
  // A scenario asks for what is not installed: what nano-bot generate prints, for one, for fast-check.
  const [, missing] = /^Cannot find package '([^']+)' imported from/.exec(words) ?? [];
  return missing === undefined ? `${words} (see nano-bot --help)` : `${words}: npm i -D ${missing}`;
}
