import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runBots } from "../../src/bot/run-bots.ts";
import { botStage } from "./chat-bots.ts";

const stage = botStage();

async function run(
  url: string,
  ...flags: readonly string[]
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const shell = { print: say, complain: say, screen: undefined, interrupted: new AbortController().signal };
  const args = ["run", "examples/chat/bots/chatter.ts", "--url", url, "--users", "1", "--for", "300", ...flags];
  return { code: await runBots(args, shell), lines };
}

test("where nobody came in it says what to look at", async () => {
  const place = new URL(stage.server.tcpUrl).host;
  const other = await run(`ws://${place}`);
  expect(other.lines.join("\n")).toContain("FAILED: nobody came in");
  expect(other.lines.at(-1)).toBe(`something listens there, but not by ws://, it seems: "nano-cli ${place}" tries all four ways`);
  await stage.server.stop();
  const gone = await run(stage.server.url);
  expect(gone.lines.at(-1)).toBe("is the server running, and does it listen for clients there?");
  expect([other.code, gone.code]).toEqual([1, 1]);
}, 60_000);

test("metrics that cannot be read are said before the run, and those that can are not", async () => {
  const missing = new URL("/nothing", stage.server.metrics).href;
  const gone = "http://127.0.0.1:1/metrics";
  const { lines } = await run(stage.server.url, "--metrics", missing, "--metrics", gone, "--metrics", stage.server.metrics);
  expect(lines.slice(0, 2)).toEqual([
    expect.stringMatching(`^--metrics ${missing}: it answers 404; `),
    expect.stringMatching(`^--metrics ${gone}: .*; what it tells later is in the report$`),
  ]);
  expect(lines[2]).toMatch(/^chatter: 1 users in /);
}, 60_000);

test("what cannot be written is said before the run", async () => {
  for (const flag of ["--json", "--junit", "--report"]) {
    const nowhere = join(stage.folder, "none", "file");
    expect(await run(stage.server.url, flag, nowhere)).toEqual({
      code: 2,
      lines: [`nano-bot: ${flag} ${nowhere} cannot be written: is its folder there? (see nano-bot --help)`],
    });
    expect((await run(stage.server.url, flag, stage.folder)).lines).toEqual([
      `nano-bot: ${flag} ${stage.folder} is a folder: name a file in it (see nano-bot --help)`,
    ]);
  }
  expect(await readdir(stage.folder)).toEqual([]);
});
