import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execPath } from "node:process";
import { afterEach, beforeEach, expect, test } from "vitest";

const cli = ["--conditions=nano-source", resolve("src/cli/main.ts")];

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-new-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function run(...args: string[]): { readonly status: number | null; readonly out: string; readonly errors: string } {
  const { status, stdout, stderr } = spawnSync(execPath, [...cli, "new", ...args], { cwd: folder, encoding: "utf8" });
  return { status, out: stdout, errors: stderr };
}

// That its own tests pass is looked at from the packed tarball: test/repository/package.test.ts.
test("writes a project of that name, with versions, and says what comes next", async () => {
  const { status, out, errors } = run("my-shop");
  expect([errors, status]).toEqual(["", 0]);
  const lines = out.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("Next: cd my-shop && npm install && npm run generate && npm test && npm start");
  for (const path of lines.slice(0, -2)) expect((await readFile(join(folder, path), "utf8")).includes("NAME")).toBe(false);
  expect(lines).toContain("my-shop/.dockerignore");
  const { name, dependencies, devDependencies } = JSON.parse(await readFile(join(folder, "my-shop/package.json"), "utf8"));
  expect(name).toBe("my-shop");
  const own = JSON.parse(await readFile("package.json", "utf8"));
  expect(dependencies).toEqual({ "nano-rpc": own.version, "@bufbuild/protobuf": own.dependencies["@bufbuild/protobuf"] });
  for (const version of Object.values(devDependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
});

test.each([
  [[], "it wants one NAME"],
  [["a", "b"], "it wants one NAME"],
  [["../shop"], '"../shop" is no name'],
  [["Shop"], '"Shop" is no name'],
  [["--force", "shop"], "Unknown option '--force'"],
])("refuses %j", async (args, words) => {
  const { status, errors } = run(...args);
  expect(status).toBe(1);
  expect(errors).toContain(`nano-cli new: ${words}`);
  expect(await readdir(folder)).toEqual([]);
});

test("touches nothing that is there", async () => {
  await writeFile(join(folder, "taken"), "mine");
  expect(run("taken").errors).toMatch(/^nano-cli new: taken cannot be written: /);
  expect(await readFile(join(folder, "taken"), "utf8")).toBe("mine");
});
