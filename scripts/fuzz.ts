// Feeds every decoder of bytes from the network with mutations of its corpus, for as long as it takes: 5,000,000 each.
//   --seed N      where chance begins; another at every run, and printed
//   --decoder X   only this one
//   --count N     how many mutations of each
//   --from N      the number of the first: what a finding is made again by
//   --seeds       writes into the corpus the inputs that the targets begin with, and ends
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { addToCorpus, readCorpus } from "../test/fuzz/engine/corpus.ts";
import { type Finding, fuzz } from "../test/fuzz/engine/fuzz.ts";
import type { Target } from "../test/fuzz/engine/target.ts";
import { clusterTargets, edgeTargets } from "../test/fuzz/targets/index.ts";

const everyMs = 5_000;
// Mutations are shorter; what is longer is an entry or a token again and again.
const maxShownBytes = 2_048;

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    decoder: { type: "string" },
    count: { type: "string", default: "5000000" },
    from: { type: "string", default: "0" },
    seeds: { type: "boolean", default: false },
  },
});
const all = [...edgeTargets, ...clusterTargets];
const targets = all.filter(({ name }) => values.decoder === undefined || name === values.decoder);
if (targets.length === 0) fail(`no decoder "${values.decoder}": there are ${all.map(({ name }) => name).join(", ")}`);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole("seed", values.seed);
const count = whole("count", values.count);
const from = whole("from", values.from);

if (values.seeds) {
  for (const target of targets) {
    const seeds = Object.entries(target.seeds());
    for (const [name, bytes] of seeds) addToCorpus(target, name, bytes);
    console.log(`${target.name}: ${seeds.length} files`);
  }
} else {
  console.log(`seed ${seed}: ${count} mutations of each of ${targets.length} decoders`);
  const failed: Target[] = [];
  for (const target of targets) if (!(await holds(target))) failed.push(target);
  if (failed.length > 0) fail(`failed: ${failed.map(({ name }) => name).join(", ")}`);
}

async function holds(target: Target): Promise<boolean> {
  const { name } = target;
  let told = performance.now();
  const began = told;
  const corpus = readCorpus(target).map(({ bytes }) => bytes);
  const { inputs, taken, ms, slowestMs, finding } = await fuzz(target, {
    corpus,
    seed,
    count,
    from,
    progress(done) {
      if (performance.now() - told < everyMs) return;
      told = performance.now();
      console.log(`  ${name}: ${done}, ${rate(done, told - began)}`);
    },
  });
  const share = Math.round((100 * taken) / Math.max(1, inputs));
  console.log(`${name}: ${inputs} inputs, ${share} % taken, ${rate(inputs, ms)}, slowest ${slowestMs.toFixed(1)} ms`);
  if (finding) tell(target, finding);
  return finding === undefined;
}

function tell(target: Target, { what, bytes, index }: Finding): void {
  const hex = Buffer.from(bytes.subarray(0, maxShownBytes)).toString("hex");
  const path = addToCorpus(target, `found-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}`, bytes);
  const again = index === undefined ? "" : ` --from ${index} --count 1`;
  console.error(
    [
      `${target.name} FAILS: ${what}`,
      `  seed ${seed}, ${index === undefined ? "an input of the corpus or at the limit" : `mutation ${index}`}, ${bytes.length} bytes`,
      `  ${hex}${bytes.length > maxShownBytes ? "... and so on" : ""}`,
      `  written to ${path}: keep it in the corpus with the fix`,
      `  again: npm run fuzz -- --decoder ${target.name} --seed ${seed}${again}`,
    ].join("\n"),
  );
}

function rate(inputs: number, ms: number): string {
  return `${Math.round((1_000 * inputs) / Math.max(1, ms))} a second`;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) fail(`--${name} is a whole number, not ${text}`);
  return value;
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
