import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandError } from "../../src/cli/command.ts";
import { schemaCommand } from "../../src/cli/schema/schema-command.ts";
import { readSchema } from "../../src/route/index.ts";

const printed = "examples/chat/gen/chat/v1/chat_nano.ts";
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-schema-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function run(args: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  await schemaCommand.run(args, { print: (line) => void lines.push(line), interrupted: new AbortController().signal });
  return lines;
}

test("a schema is written that frontends can read, under the hash that is printed", async () => {
  const out = join(folder, "chat.nanoschema");
  const [hash = ""] = await run(["--out", out, printed]);
  const file = await readFile(out);
  expect(createHash("sha256").update(gunzipSync(file)).digest("hex")).toBe(hash);
  const { routes } = readSchema(hash, file);
  expect(routes.get("room.room.join")).toMatchObject({ kind: "request", path: "/chat.v1.RoomService/Join", server: "room" });
  expect(routes.get("room.roomAdmin.stats")?.kind).toBe("remote");
});

test("the chat's file is the one that its services give", async () => {
  const out = join(folder, "again.nanoschema");
  await run(["--out", out, printed]);
  expect(await readFile(out)).toEqual(await readFile("examples/chat/gen/chat.nanoschema"));
});

test.each([
  [[printed], "--out FILE"],
  [["--out", "x"], "no MODULE"],
  [["--out", "x", "nowhere.ts"], "nowhere.ts cannot be read"],
  [["--out", "x", "examples/chat/gen/chat/v1/chat_pb.ts"], "no services"],
  [["--in", "x"], "--help"],
])("%j is answered with %j", async (args, words) => {
  const refused = await run(args).catch((reason: unknown) => reason);
  expect(refused).toBeInstanceOf(CommandError);
  expect((refused as Error).message).toContain(words);
});
