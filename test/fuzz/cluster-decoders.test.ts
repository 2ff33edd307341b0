import { describe, expect, test } from "vitest";
import { readCorpus } from "./engine/corpus.ts";
import { testDecoders } from "./engine/hold.ts";
import { clusterTargets, edgeTargets } from "./targets/index.ts";

describe("what decodes the bytes of other servers and of the registry", () => testDecoders(clusterTargets));

test("the corpus has at least 500 files, and all are small", () => {
  const all = [...edgeTargets, ...clusterTargets].flatMap(readCorpus);
  expect(all.length).toBeGreaterThanOrEqual(500);
  expect(Math.max(...all.map(({ bytes }) => bytes.length))).toBeLessThan(64 * 1_024);
});
