import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { createClient, next, webSocket } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { runBots } from "../../src/bot/run-bots.ts";
import { startChild } from "../support/child.ts";
import { type BotServer, startBotServer } from "./chat-bots.ts";

let server: BotServer;
let folder: string;
beforeEach(async () => {
  server = await startBotServer();
  folder = await mkdtemp(join(tmpdir(), "nano-bot-"));
});
afterEach(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly progress: string }> {
  const lines: string[] = [];
  const seen: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const interrupted = new AbortController().signal;
  const code = await runBots(args, { print: say, complain: say, progress: (line) => void seen.push(line), interrupted });
  return { code, out: lines.join("\n"), progress: seen.join("\n") };
}

const chatter = "examples/chat/bots/chatter.ts";

describe("nano-bot", () => {
  test("plays the chat's scenario, shows how it goes, and writes the figures", async () => {
    const json = join(folder, "report.json");
    const { out, progress } = await run("run", chatter, "--url", server.url, "--users", "10", "--for", "3000", "--json", json);
    expect(out).toMatch(/^chatter: \d+ users in /);
    expect(progress).toMatch(/^1 s: 10 users, \d+ calls\/s, p50 .* ms, p95 .* ms, p99 .* ms, 0 failed/);
    const report = JSON.parse(await readFile(json, "utf8"));
    expect(report.calls.find(({ route }: { route: string }) => route === "room.room.join")).toMatchObject({
      answered: 10,
      failed: 0,
    });
    expect(report.pushes[0].came).toBeGreaterThanOrEqual(10);
    expect(report.broken).toEqual({});
  }, 60_000);

  test("is interrupted in a process of its own, and still tells what it saw", async () => {
    const watcher = createClient({ transport: webSocket(server.url) });
    const room = watcher.service(RoomClient);
    await watcher.connect();
    await room.join({ room: "room-0", name: "watcher" });
    const heard = next(room.onSaid, { timeoutMs: 30_000 });
    const args = ["--conditions=nano-source", "src/bot/main.ts", "run", chatter, "--url", server.url];
    const child = startChild(execPath, args);
    try {
      await heard;
      child.process.kill("SIGINT");
      await child.line((line) => /^chatter: \d+ users in /.test(line), 30_000);
      await child.line((line) => line.startsWith("room.room.join "));
    } finally {
      await child.end("SIGKILL");
      await watcher.close();
    }
  }, 60_000);

  test("ends with 1 where the server is not there", async () => {
    await server.stop();
    const { code, out } = await run("run", chatter, "--url", server.url, "--users", "1", "--for", "300");
    expect(out).toContain("FAILED: nobody came in");
    expect(code).toBe(1);
  }, 60_000);

  test.each<[string[], string]>([
    [[], "it wants: run FILE"],
    [["run", chatter], "--url says which server"],
    [["run", chatter, "--url", "http://x"], "--url is tcp://, tls://, ws:// or wss://"],
    [["run", chatter, "--url", "tcp://x"], "--url wants a port"],
    [["run", chatter, "--url", "ws://x", "--users", "0"], "--users is a whole number from 1"],
    [["run", chatter, "--url", "ws://x", "--encoding", "xml"], "--encoding is json or protobuf"],
    [["run", "test/bot/chat-bots.ts", "--url", "ws://x"], "exports no scenario as default"],
  ])("%j cannot begin", async (args, words) => {
    const { code, out } = await run(...args);
    expect(out).toContain(words);
    expect(code).toBe(2);
  });
});
