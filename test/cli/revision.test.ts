import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { tool } from "../plugin/compile.ts";
import { shopSchema } from "./shop-schema.ts";

let repository: string;
const folder = (): string => join(repository, "proto");

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), "nano-revision-"));
  git("init", "--quiet");
});

afterEach(() => rm(repository, { recursive: true, force: true }));

const renamed = shopSchema.replace("rpc Buy(", "rpc Order(");

function git(...args: readonly string[]): void {
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
  const { status, output } = tool("git", ["-C", repository, ...author, ...args]);
  if (status !== 0) throw new Error(output);
}

/** Writes files, and commits them under a name. */
async function commit(name: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(repository, path)), { recursive: true });
    await writeFile(join(repository, path), text);
  }
  git("add", ".");
  git("commit", "--quiet", "-m", name);
  git("tag", name);
}

async function breaking(...args: readonly string[]): Promise<{ readonly said: string; readonly code: number }> {
  const said: string[] = [];
  const code = await runCommand(commands, ["breaking", ...args], {
    print: (line) => void said.push(line),
    complain: (line) => void said.push(line),
    interrupted: new AbortController().signal,
  });
  return { said: said.join("\n"), code };
}

test("a folder without a buf.yaml is compared with what it was", async () => {
  await commit("v1", { "proto/shop/v1/shop.proto": shopSchema });
  await commit("v2", { "proto/shop/v1/shop.proto": renamed });
  const found = await breaking(folder(), "--against", "v1");
  expect(found.said).toContain("shop.shop.buy");
  expect(found.said).toContain("1 refused, 0 may break, 1 safe");
  expect(found.code).toBe(100);
  expect(await breaking(folder(), "--against", "HEAD")).toEqual({ said: "0 refused, 0 may break, 0 safe", code: 0 });
  // The whole repository is one as well.
  expect((await breaking(repository, "--against", "v2")).code).toBe(0);
}, 60_000);

test("one that has its buf.yaml since then, too", async () => {
  await commit("v1", { "proto/shop/v1/shop.proto": shopSchema.replace(/import "buf.*\n/, "").replace(/ \[.*\]/, "") });
  const buf = "version: v2\nmodules: [{path: proto}, {path: own}]\n";
  const options = await readFile("proto/nano/options.proto", "utf8");
  await commit("v2", { "buf.yaml": buf, "own/nano/options.proto": options });
  expect(await breaking(folder(), "--against", "v1")).toEqual({ said: "0 refused, 0 may break, 0 safe", code: 0 });
  expect(await breaking(folder(), "--against", "v2")).toEqual({ said: "0 refused, 0 may break, 0 safe", code: 0 });
}, 60_000);

test("what is missing in a revision is said, with what to do", async () => {
  await commit("empty", { "README.md": "nothing yet" });
  await commit("bare", { "proto/README.md": "no schema yet" });
  const strange = shopSchema.replace("google/protobuf/empty.proto", "money/v1/money.proto");
  await commit("strange", { "proto/shop/v1/shop.proto": strange });
  const buf = "version: v2\nmodules: [{path: proto}, {path: node_modules/nano-rpc/proto}]\n";
  await commit("elsewhere", { "buf.yaml": buf, "proto/shop/v1/shop.proto": shopSchema });
  git("rm", "--quiet", "buf.yaml");
  const said = async (revision: string): Promise<string> => {
    const found = await breaking(folder(), "--against", revision);
    expect(found.code).toBe(1);
    return found.said;
  };
  expect(await said("empty")).toBe(
    "nano-cli breaking: empty has no folder proto: name one that was there then, or compare with an image of it",
  );
  expect(await said("bare")).toBe("nano-cli breaking: proto of bare has no .proto: name the folder that holds them");
  expect(await said("strange")).toMatch(
    /^nano-cli breaking: buf cannot build strange:\nshop\/v1\/shop\.proto:3:\d+:imported [\s\S]*\nimports are relative to the folder that is named/,
  );
  const elsewhere = await said("elsewhere");
  expect(elsewhere).toContain("nano-cli breaking: buf cannot build elsewhere:\n");
  expect(elsewhere).toContain(
    "\nbuf.yaml of elsewhere names node_modules, which git does not have: keep an image of each release",
  );
}, 60_000);
