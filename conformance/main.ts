// npm run conformance -- --discovery etcd://HOST:PORT --prefix PREFIX --type room [--token-file FILE]: does a server keep the protocol?
import { type Flags, readFlags, usage } from "./options.ts";
import { Failed } from "./point.ts";
import { points } from "./points/index.ts";
import { type Result, runKit } from "./run-kit.ts";
import { tableRow, total } from "./table.ts";

process.exitCode = await main(readFlagsOrEnd());

/** Gives the exit code: 0 where all points passed or were nothing to this server, 1 where one failed, 2 where nothing could be looked at. */
async function main({ options, json, list, help }: Flags): Promise<number> {
  if (help) {
    console.log(usage);
    return 0;
  }
  if (list) {
    for (const { name, says } of points) console.log(`${name.padEnd(22)} ${says}`);
    return 0;
  }
  try {
    const results = await runKit(options, json ? undefined : (result) => console.log(tableRow(result)));
    console.log(json ? JSON.stringify(results, undefined, 2) : total(results));
    return failures(results) > 0 ? 1 : 0;
  } catch (reason) {
    if (!(reason instanceof Failed || reason instanceof TypeError)) throw reason;
    console.error(`conformance: ${reason.message}`);
    return 2;
  }
}

function failures(results: readonly Result[]): number {
  return results.filter(({ outcome }) => outcome === "failed").length;
}

function readFlagsOrEnd(): Flags {
  try {
    return readFlags(process.argv.slice(2));
  } catch (reason) {
    console.error(`conformance: ${reason instanceof Error ? reason.message : reason}\n\n${usage}`);
    return process.exit(2);
  }
}
