import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("wrong", import.meta.url));

// Half of what users see of a framework of types is what tsc says when they are wrong: every word counts.
// `vitest run test/types -u` writes the messages anew.
test("tsc tells mistakes in the words of messages.txt", async () => {
  const tsc = fileURLToPath(new URL("../../node_modules/.bin/tsc", import.meta.url));
  const { status, stdout, stderr } = spawnSync(tsc, ["-p", ".", "--pretty", "false"], { cwd: folder, encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).not.toBe(0);
  await expect(stdout).toMatchFileSnapshot(`${folder}/messages.txt`);
  const told = new Set([...stdout.matchAll(/^(\S+\.ts)\(/gm)].map(([, name]) => name));
  const silent = (await readdir(folder)).filter((name) => name.endsWith(".ts") && !told.has(name));
  expect(silent).toEqual(["06-answer-extra.ts"]);
});
