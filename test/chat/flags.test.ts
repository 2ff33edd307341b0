import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { execPath } from "node:process";
import { expect, test } from "vitest";

const run = (script: string, ...args: string[]) =>
  spawnSync(execPath, ["--conditions=nano-source", `examples/chat/src/${script}.ts`, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });

test.each(["demo", "main"])("%s tells its flags", (script) => {
  const { status, stdout, stderr } = run(script, "--help");
  expect([status, stderr]).toEqual([0, ""]);
  const declared = readFileSync(`examples/chat/src/${script}.ts`, "utf8").matchAll(/^ {2}"?([a-z-]+)"?: \{ type/gm);
  const names = [...declared].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(2);
  for (const name of names) expect(stdout).toContain(`--${name} `);
});

test.each([
  ["demo", ["--halp"], "Unknown option '--halp' (--help says which there are)\n"],
  ["main", ["--ws"], "Option '--ws <value>' argument missing (--help says which there are)\n"],
  ["main", ["--ws", "x"], '--ws is a port from 0 to 65535, not "x"\n'],
  ["demo", ["--http", "70000"], '--http is a port from 0 to 65535, not "70000"\n'],
])("%s with %s ends with a line, and 2", (script, args, words) => {
  const { status, stdout, stderr } = run(script, ...args);
  expect([status, stdout, stderr]).toEqual([2, "", words]);
});
