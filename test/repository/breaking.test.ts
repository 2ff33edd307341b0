import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { env } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;

/** Runs a command in a copy of this repository, with its tools. */
function run(command: string, ...args: string[]): { readonly status: number | null; readonly output: string } {
  const path = `${join(root, "node_modules", ".bin")}${delimiter}${env["PATH"]}`;
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env: { ...env, PATH: path } });
  return { status, output: stdout + stderr };
}

function commit(): void {
  const who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
  const { status, output } = run("git", ...who, "commit", "--all", "--allow-empty", "--quiet", "--message", "test");
  if (status !== 0) throw new Error(output);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-breaking-"));
  const { status, stderr } = spawnSync("git", ["clone", "--quiet", "--depth", "1", `file://${root}`, folder], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test("npm run breaking lets an addition pass, and refuses a field that changes its type", async () => {
  const file = join(folder, "proto/nano/options.proto");
  const before = await readFile(file, "utf8");
  await writeFile(file, `${before}\nmessage Added {}\n`);
  commit();
  expect(run("npm", "run", "breaking")).toMatchObject({ status: 0 });

  await writeFile(file, before.replace(/^( {2})(?:optional )?uint32 (\w+ = \d+)/m, "$1string $2"));
  commit();
  const { status, output } = run("npm", "run", "breaking");
  expect(status).not.toBe(0);
  expect(output).toMatch(/options\.proto:\d+:\d+:.*changed type from "uint32" to "string"/);
});
