import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
// What runs elsewhere than in a server has no log.
const elsewhere = /^src\/(client|bot|cli|testing|fuzz|logger)\//;

test("the page lists every line that a server writes, with its level, and no other", () => {
  const text = globSync("src/**/*.ts", { cwd: root })
    .filter((file) => !elsewhere.test(file))
    .map((file) => readFileSync(`${root}/${file}`, "utf8"))
    .join("\n");
  const calls = /\.(info|warn|error)\(\s*(?:\{[^}]*\}|\w+),\s*(?:\w+ \? ("[^"]+") : )?("[^"]+")/g;
  const written = [...text.matchAll(calls)].flatMap(([, level, ...words]) =>
    words.filter((each) => each !== undefined).map((each) => `${level} ${JSON.parse(each)}`),
  );
  const page = readFileSync(`${root}/docs/logging.md`, "utf8");
  const listed = [...page.matchAll(/^\| (info|warn|error) \| (.*?) \|/gm)].flatMap(([, level, words = ""]) =>
    [...words.matchAll(/`([^`]+)`/g)].map(([, each]) => `${level} ${each}`),
  );
  expect(written.length).toBeGreaterThan(40);
  expect([...new Set(listed)].sort()).toEqual([...new Set(written)].sort());
});
