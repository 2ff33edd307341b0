import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, silentLogger, webSocket } from "nano-rpc";
import { afterEach, beforeEach, expect, test } from "vitest";
import { chatRooms } from "../../examples/chat/src/rooms.ts";
import { commands } from "../../src/cli/commands.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { shopSchema } from "./shop-schema.ts";

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-loose-"));
});

afterEach(async () => {
  await server?.stop({ graceMs: 0 });
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function run(
  ...args: readonly string[]
): Promise<{ readonly out: string; readonly errors: string; readonly code: number }> {
  const [out, errors]: [string[], string[]] = [[], []];
  const code = await runCommand(commands, args, {
    print: (line) => void out.push(line),
    complain: (line) => void errors.push(line),
    interrupted: new AbortController().signal,
  });
  return { out: out.join("\n"), errors: errors.join("\n"), code };
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), text);
}

test("a folder of .proto that no buf.yaml names is a schema: a server that tells nothing is spoken to by it", async () => {
  await cp("examples/chat/proto", folder, { recursive: true });
  server = createServer({
    ...{ id: "gate-1", log: silentLogger, services: chatRooms() },
    acceptors: [webSocket({ port: 0 })],
  });
  await server.start();
  const script = join(folder, "join.nano");
  await writeFile(script, 'request room.room.join {"room": "lobby", "name": "ann"}\nexpect {"members": ["ann"]}');
  const { out, errors, code } = await run("talk", `ws://${server.addresses["ws"]}`, "--schema", folder, "--script", script);
  expect([errors, code]).toEqual(["", 0]);
  expect(out).toContain(`(protobuf, 5 routes by ${folder})`);
});

test("its rules are read, whether protovalidate and nano stand in it or not, and what others have in it is not looked at", async () => {
  await write("shop/v1/shop.proto", shopSchema);
  await write("node_modules/other/other.proto", "this is nobody's schema");
  await write(".cache/old.proto", "this neither");
  const without = await run("docs", folder);
  expect([without.errors, without.code]).toEqual(["", 0]);
  expect(without.out).toContain("shop.shop.buy");
  expect(without.out).toContain("string.max_len = 8");
  await cp("proto/nano/options.proto", join(folder, "nano/options.proto"));
  await cp("third_party/protovalidate/buf", join(folder, "buf"), { recursive: true });
  expect(await run("docs", folder)).toEqual(without);
});

test("one that a buf.yaml above does not name is compiled all the same", async () => {
  await write("buf.yaml", "version: v2\nmodules: [{path: proto}]\n");
  await write("proto/other/v1/other.proto", 'edition = "2024";\npackage other.v1;\nmessage Other {}\n');
  await write("shop/shop/v1/shop.proto", shopSchema);
  const { out, errors, code } = await run("docs", join(folder, "shop"));
  expect([errors, code]).toEqual(["", 0]);
  expect(out).toContain("shop.shop.buy");
  // What is missing there is missing.
  await write("shop/shop/v1/shop.proto", shopSchema.replace("google/protobuf/empty.proto", "money/v1/money.proto"));
  expect((await run("docs", join(folder, "shop"))).errors).toMatch(/imported file does not exist\n[\s\S]*\nimports are relative/);
});

test("a single .proto is none: its folder is", async () => {
  await write("shop.proto", shopSchema);
  const file = join(folder, "shop.proto");
  expect((await run("docs", file)).errors).toBe(
    `nano-cli docs: ${file} is one .proto: name the folder that its imports are relative to`,
  );
});

test("what is wrong with one is said by its own paths, with what to do", async () => {
  expect((await run("docs", folder)).errors).toBe(`nano-cli docs: ${folder} has no .proto: name the folder that holds them`);
  await write("shop/v1/shop.proto", shopSchema.replace("google/protobuf/empty.proto", "money/v1/money.proto"));
  const { errors, code } = await run("docs", folder);
  expect(code).toBe(1);
  expect(errors).toMatch(/^nano-cli docs: buf cannot build .*:\nshop\/v1\/shop\.proto:3:\d+:imported file does not exist\n/);
  expect(errors).toContain("\nimports are relative to the folder that is named");
});
