import { parseArgs } from "node:util";
import { type Command, CommandError } from "../command.ts";
import { loadBaseline, loadImage } from "../image/load-image.ts";
import { bufBreaking } from "./buf-breaking.ts";
import { compareSchemas } from "./compare-schemas.ts";
import type { Bucket, Finding } from "./finding.ts";

const help = `Usage: nano-cli breaking [INPUT] --against REVISION|IMAGE|FOLDER [OPTIONS]

Says what a schema changes for clients that were generated from another: their options
and routes, and, by buf, how messages are encoded.

  INPUT           a folder with .proto files, or an image of buf build (default: .)
  --against WHAT  a revision of git (then INPUT is a folder in it), an image, or a folder
  --no-wire       does not ask buf; with two images, buf is not needed then
  --strict        what may break old clients counts as refused, too
  --json          prints one object: {"refused", "mayBreak", "safe"}, a list of
                  {"rule", "at", "message"} each

Exit code: 0, or 100 where something is refused, or 1 where the two cannot be compared.`;

const headings: Readonly<Record<Bucket, string>> = {
  refused: "Refused: breaks clients that were shipped",
  mayBreak: "May break clients that were shipped",
  safe: "Safe",
};
// As buf does.
const refusedCode = 100;

/** `nano-cli breaking`. */
export const breakingCommand: Command = {
  name: "breaking",
  help,
  async run(args, { print }) {
    const { input, against, json, strict, wire } = readArgs(args);
    const [after, before] = await Promise.all([loadImage(input), loadBaseline(against, input)]);
    const findings = [...(wire ? await bufBreaking(before, after) : []), ...compareSchemas(before, after)];
    const of = (bucket: Bucket): Finding[] => findings.filter((one) => one.bucket === bucket);
    const buckets = { refused: of("refused"), mayBreak: of("mayBreak"), safe: of("safe") };
    if (json) print(JSON.stringify(buckets, ["refused", "mayBreak", "safe", "rule", "at", "message"]));
    else printBuckets(buckets, print);
    return buckets.refused.length > 0 || (strict && buckets.mayBreak.length > 0) ? refusedCode : 0;
  },
};

function printBuckets(buckets: Readonly<Record<Bucket, readonly Finding[]>>, print: (line: string) => void): void {
  for (const bucket of ["refused", "mayBreak", "safe"] as const) {
    if (buckets[bucket].length === 0) continue;
    print(`${headings[bucket]}:`);
    for (const { at, rule, message } of buckets[bucket]) print(`  ${at}: ${message} (${rule})`);
  }
  const { refused, mayBreak, safe } = buckets;
  print(`${refused.length} refused, ${mayBreak.length} may break, ${safe.length} safe`);
}

function readArgs(args: readonly string[]): {
  readonly input: string;
  readonly against: string;
  readonly json: boolean;
  readonly strict: boolean;
  readonly wire: boolean;
} {
  const options = {
    against: { type: "string" },
    json: { type: "boolean" },
    strict: { type: "boolean" },
    "no-wire": { type: "boolean" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { against, json = false, strict = false, "no-wire": withoutWire = false } = values;
    if (against === undefined) throw new CommandError("--against REVISION|IMAGE|FOLDER is missing");
    if (positionals.length > 1) throw new CommandError("more than one INPUT is named");
    return { input: positionals[0] ?? ".", against, json, strict, wire: !withoutWire };
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli breaking --help)`);
  }
}
