import { expect, test } from "vitest";
import { readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import type { Target } from "./target.ts";

const seed = 20_260_102;
const mutations = 100_000;

/** One test for each decoder: it takes or refuses its corpus and mutations of it, and does nothing else. */
export function testDecoders(targets: readonly Target[]): void {
  test.each(targets.map((target) => [target.name, target] as const))("%s", { timeout: 120_000 }, async (_name, target) => {
    const corpus = readCorpus(target);
    const files = new Set(corpus.map(({ name }) => name));
    for (const name of Object.keys(target.seeds())) {
      expect(files.has(`${name}.bin`), `${name} is not in the corpus: npm run fuzz -- --seeds`).toBe(true);
    }
    const report = await fuzz(target, { corpus: corpus.map(({ bytes }) => bytes), seed, count: mutations });
    const { finding, inputs, taken, refused } = report;
    const found =
      finding && `${finding.what}; seed ${seed}, mutation ${finding.index}: ${Buffer.from(finding.bytes).toString("hex")}`;
    expect(found?.slice(0, 10_000)).toBeUndefined();
    expect(inputs).toBeGreaterThan(mutations + corpus.length);
    // A fuzzer whose inputs are all refused at the door tests nothing; and whoever may refuse has something to refuse.
    expect(taken).toBeGreaterThan(inputs / 200);
    if (target.throws) expect(refused).toBeGreaterThan(inputs / 100);
  });
}
