import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runBots } from "../../src/bot/run-bots.ts";
import { startBotServer } from "./chat-bots.ts";

const chat = "examples/chat/gen/chat/v1/chat_client.ts";

// Within the repository, where what is generated finds nano-rpc.
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp("test/bot/generated-");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const code = await runBots(args, { print: say, complain: say, screen: undefined, interrupted: new AbortController().signal });
  return { code, out: lines.join("\n") };
}

test("a scenario is generated from a service, has its types, and calls every method of a server with valid messages", async () => {
  const file = join(folder, "traffic.ts");
  expect(await run("generate", chat, "--out", file)).toEqual({ code: 0, out: "" });
  const text = await readFile(file, "utf8");
  expect(text).toContain('"room.room.join": () => room.join(one(inputs["room.room.join"])).result(),');
  const config = { extends: "../../../tsconfig.json", include: [], files: ["traffic.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const types = spawnSync("node_modules/.bin/tsc", ["-p", folder], { encoding: "utf8" });
  expect([types.stdout, types.status]).toEqual(["", 0]);

  // What a person changes first.
  await writeFile(
    file,
    text
      .replace('"room.room.join": 1', '"room.room.join": 3')
      .replace(/stages: .*?\n {2}\]/s, "once: { users: 5 }")
      .replace("forMs: 30_000", "times: 8")
      .replace("p99Ms: 200", ""),
  );
  const server = await startBotServer();
  try {
    const json = join(folder, "figures.json");
    const { code, out } = await run("run", file, "--url", server.url, "--json", json);
    expect(out).toMatch(/passed$/);
    expect(code).toBe(0);
    const { users, broken, calls } = JSON.parse(await readFile(json, "utf8"));
    expect([users, broken]).toEqual([5, {}]);
    const join_ = calls.find(({ route }: { route: string }) => route === "room.room.join");
    expect(join_.answered + join_.failed).toBeGreaterThan(5);
    // A weight of 0 is never: all eight turns of the five are the other method.
    const alone = join(folder, "alone.ts");
    await writeFile(alone, (await readFile(file, "utf8")).replace('"room.room.say": 1', '"room.room.say": 0'));
    expect(await run("run", alone, "--url", server.url, "--json", json)).toMatchObject({ code: 0 });
    const only = JSON.parse(await readFile(json, "utf8")).calls.find(
      ({ route }: { route: string }) => route === "room.room.join",
    );
    expect(only.answered + only.failed).toBe(40);
  } finally {
    await server.stop();
  }
}, 120_000);

test("what is there stays, and a module without clients is refused", async () => {
  const file = join(folder, "mine.ts");
  await writeFile(file, "mine");
  expect((await run("generate", chat, "--out", file)).out).toContain("EEXIST");
  expect(await readFile(file, "utf8")).toBe("mine");
  expect(await run("generate", "examples/chat/gen/chat/v1/chat_pb.ts")).toMatchObject({
    code: 2,
    out: expect.stringContaining("has no methods to call"),
  });
  expect((await run("generate")).out).toContain("it wants: generate MODULE");
  expect((await run("generate", chat)).out).toContain(`from "./${chat}"`);
});
