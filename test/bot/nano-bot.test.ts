import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execPath } from "node:process";
import { pathToFileURL } from "node:url";
import { createClient, next, webSocket } from "nano-rpc/client";
import { describe, expect, test, vi } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { runBots } from "../../src/bot/run-bots.ts";
import { startChild } from "../support/child.ts";
import { botStage } from "./chat-bots.ts";

const stage = botStage();

async function run(...args: string[]): Promise<{ readonly code: number; readonly out: string; readonly progress: string }> {
  const lines: string[] = [];
  const seen: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const interrupted = new AbortController().signal;
  const code = await runBots(args, {
    print: say,
    complain: say,
    screen: { columns: undefined, write: (text) => void seen.push(text) },
    interrupted,
  });
  return { code, out: lines.join("\n"), progress: seen.join("\n") };
}

const chatter = "examples/chat/bots/chatter.ts";

describe("nano-bot", () => {
  test("plays the chat's scenario, shows how it goes, and writes the figures", async () => {
    const json = join(stage.folder, "report.json");
    const { out, progress } = await run(
      "run",
      chatter,
      "--url",
      stage.server.url,
      "--users",
      "10",
      "--for",
      "3000",
      "--json",
      json,
    );
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

  test("--version says which it is", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    expect(await run("--version")).toMatchObject({ code: 0, out: version });
  });

  /** Writes a scenario in which somebody is `busy()` for 50 ms at a time. */
  async function busyScenario(users: number, run: string): Promise<string> {
    const file = join(stage.folder, "busy.ts");
    const from = JSON.stringify(pathToFileURL(resolve("src/bot/index.ts")).href);
    await writeFile(
      file,
      `import { scenario } from ${from};
       const busy = () => { for (const until = performance.now() + 50; performance.now() < until; ); };
       export default scenario({ name: "busy", once: { users: ${users} }, run: (bot) => ${run} });`,
    );
    return file;
  }

  test("says so where it was too busy itself to measure others", async () => {
    const file = await busyScenario(1, "bot.repeat({ times: 60 }, async () => { busy(); await bot.think(0); })");
    const { code, out } = await run("run", file, "--url", stage.server.url);
    expect(out).toMatch(
      /^nano-bot itself was busy for (?:9\d|100) % of the time: it may have measured itself\. --processes N shares the work$/m,
    );
    expect(code).toBe(0);
  }, 60_000);

  test("says so of each of several processes, while it runs and after it", async () => {
    const [json, page] = [join(stage.folder, "report.json"), join(stage.folder, "report.html")];
    // The first process rests where the second works.
    const working = "bot.repeat({ times: 80 }, async () => { busy(); await bot.think(0); })";
    const file = await busyScenario(2, `bot.index === 0 ? bot.think(4_000) : ${working}`);
    const files = ["--json", json, "--report", page];
    const { code, out, progress } = await run("run", file, "--url", stage.server.tcpUrl, "--processes", "2", ...files);
    expect(out).toMatch(
      /^1 of 2 processes of nano-bot were busy for over 90 % of the time \(\d\d? %, (?:9\d|100) %\): they may /m,
    );
    expect(out).toMatch(/^nano-bot itself was busy for \d\d? %, (?:9\d|100) % of the time$/m);
    expect(progress).toMatch(/ failed, \d\d? %, (?:9\d|100) % busy$/m);
    const { busy, samples } = JSON.parse(await readFile(json, "utf8"));
    expect(busy).toEqual([expect.any(Number), expect.any(Number)]);
    expect(busy[0]).toBeLessThan(0.5);
    expect(busy[1]).toBeGreaterThan(0.9);
    expect(samples[0].busy).toHaveLength(2);
    expect(await readFile(page, "utf8")).toMatch(
      /<div class="card tile bad"><b>\d\d? %, (?:9\d|100) %<\/b><span>nano-bot itself was busy/,
    );
    expect(code).toBe(0);
  }, 60_000);

  test("is given up before it has begun, and plays nothing", async () => {
    const given = new AbortController();
    given.abort();
    const lines: string[] = [];
    const say = (line: string): void => void lines.push(line);
    const args = ["run", chatter, "--url", stage.server.url, "--users", "5", "--for", "600000"];
    await runBots(args, { print: say, complain: say, screen: undefined, interrupted: given.signal });
    expect(lines.join("\n")).toMatch(/^chatter: 0 users in /);
  }, 60_000);

  test("is interrupted in a process of its own, and still tells what it saw", async () => {
    const watcher = createClient({ transport: webSocket(stage.server.url) });
    const room = watcher.service(RoomClient);
    await watcher.connect();
    await room.join({ room: "room-0", name: "watcher" });
    const heard = next(room.onSaid, { timeoutMs: 30_000 });
    const args = ["--conditions=nano-source", "src/bot/main.ts", "run", chatter, "--url", stage.server.url];
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

  test("in several processes users meet, and all figures come together", async () => {
    const file = join(stage.folder, "pairs.ts");
    await writeFile(
      file,
      `import { scenario } from "nano-rpc/bot";
      import { RoomClient } from ${JSON.stringify(resolve("examples/chat/gen/chat/v1/chat_client.ts"))};
      export default scenario({
        name: "pairs",
        once: { users: 10 },
        thresholds: { errors: 0, delivered: 1 },
        async run(bot) {
          const room = bot.service(RoomClient);
          const { members } = await room.join({ room: "lobby", name: "bot-" + bot.index });
          bot.check("knows itself", members.includes("bot-" + bot.index));
          // All ten, of three processes.
          await bot.meet("all are in", 10);
          room.say({ text: "hi" });
          await bot.expect(room.onSaid, { where: ({ name }) => name === "bot-" + bot.index, withinMs: 30_000 });
          await bot.meet("all have heard", 10);
        },
      });`,
    );
    await mkdir(join(stage.folder, "node_modules"));
    await symlink(resolve("."), join(stage.folder, "node_modules", "nano-rpc"));
    const json = join(stage.folder, "report.json");
    const child = startChild(execPath, [
      ...[
        "--conditions=nano-source",
        "src/bot/main.ts",
        "run",
        file,
        "--url",
        stage.server.tcpUrl,
        "--processes",
        "3",
        "--json",
        json,
      ],
    ]);
    try {
      await child.line((line) => /^pairs: 10 users in /.test(line), 50_000);
      await child.line((line) => line === "passed");
    } finally {
      await child.end("SIGTERM");
    }
    const report = JSON.parse(await readFile(json, "utf8"));
    expect(report).toMatchObject({ users: 10, answered: 20, failed: 0, checks: [{ what: "knows itself", held: 10, failed: 0 }] });
    expect(report.pushes).toMatchObject([{ expected: 10, came: 10 }]);
  }, 60_000);

  test("shows itself to Prometheus, reads the server's metrics, writes a page and JUnit's XML", async () => {
    const [page, junit, json] = [
      join(stage.folder, "report.html"),
      join(stage.folder, "junit.xml"),
      join(stage.folder, "report.json"),
    ];
    const running = startChild(execPath, [
      ...[
        "--conditions=nano-source",
        "src/bot/main.ts",
        "run",
        chatter,
        "--url",
        stage.server.url,
        "--users",
        "5",
        "--for",
        "600000",
      ],
      ...["--prometheus", "127.0.0.1:0", "--metrics", stage.server.metrics, "--report", page, "--junit", junit, "--json", json],
      ...["--threshold", "p99(room.room.join)<0.001ms", "--threshold", "duplicates=0"],
    ]);
    try {
      const [, at = ""] = /^metrics at (\S+)$/.exec(await running.line((line) => line.startsWith("metrics at "))) ?? [];
      const shown = async (): Promise<string> => (await fetch(at)).text();
      const shows = (form: RegExp): Promise<void> =>
        vi.waitFor(async () => expect(await shown()).toMatch(form), { timeout: 40_000, interval: 250 });
      await shows(/^nano_bot_call_duration_seconds_count\{route="room.room.join"\} 5$/m);
      await shows(/^nano_bot_users 5$/m);
      // By then the server was looked at with them, too: each second.
      await shows(/^nano_bot_pushes_total\{route="room.room.said"\} ([3-9]\d|\d{3})/m);
      running.process.kill("SIGINT");
      await running.line((line) => line.startsWith("FAILED: p99 of room.room.join is "), 30_000);
    } finally {
      expect(await running.end("SIGTERM")).toBe(1);
    }
    const { server: series } = JSON.parse(await readFile(json, "utf8"));
    const of = (name: string): readonly (number | null)[] =>
      series.find((one: { name: string }) => one.name === name)?.values ?? [];
    expect(Math.max(...of("nano_sessions").map(Number))).toBe(5);
    expect(of("nano_messages_received_total").some((value) => (value ?? 0) > 0)).toBe(true);
    expect(await readFile(page, "utf8")).toContain('<span class="badge failed">failed</span>');
    expect(await readFile(junit, "utf8")).toContain('<failure message="p99 of room.room.join is ');
  }, 90_000);

  test("a process that dies takes the run with it: its figures would be missing", async () => {
    const file = join(stage.folder, "dies.ts");
    const at = JSON.stringify(pathToFileURL(resolve("src/bot/index.ts")).href);
    await writeFile(
      file,
      `import { scenario } from ${at};
      export default scenario({ name: "dies", once: { users: 2 }, run: async (bot) => (bot.index === 1 ? process.exit(3) : bot.think(60_000)) });`,
    );
    const child = startChild(execPath, [
      ...["--conditions=nano-source", "src/bot/main.ts", "run", file, "--url", stage.server.url, "--processes", "2"],
    ]);
    const code = await new Promise((ended) => child.process.once("exit", ended));
    expect(code).toBe(2);
  }, 60_000);

  test("says what to install where a scenario asks for more than there is", async () => {
    const file = join(stage.folder, "wants.ts");
    await writeFile(file, 'import "no-such-package-at-all"; export default {};');
    const { code, out } = await run("run", file, "--url", stage.server.url);
    expect(out).toMatch(/^nano-bot: .*no-such-package-at-all/);
    expect(out).toContain("npm i -D no-such-package-at-all");
    expect(code).toBe(2);
  });

  test("ends with 1 where the server is not there", async () => {
    await stage.server.stop();
    const { code, out } = await run("run", chatter, "--url", stage.server.url, "--users", "1", "--for", "300");
    expect(out).toContain("FAILED: nobody came in");
    expect(code).toBe(1);
  }, 60_000);

  test.each<[string[], string]>([
    [[], "it wants: run FILE"],
    [["run", chatter], "--url says which server"],
    [["run", chatter, "--url", "http://x"], "--url is tcp://, tls://, ws:// or wss://"],
    [["run", chatter, "--url", "tcp://x"], "tcp://x names no port"],
    [["run", chatter, "--url", "ws://x", "--users", "0"], "--users is a whole number from 1"],
    [["run", chatter, "--url", "ws://x", "--encoding", "xml"], "--encoding is json or protobuf"],
    [["run", chatter, "--url", "ws://x", "--processes", "65"], "--processes is at most 64"],
    [["run", chatter, "--url", "ws://x", "--user", "ann"], '--user is an object as JSON, not "ann"'],
    [["run", chatter, "--url", "ws://x", "--threshold", "p98<5ms"], '"p98<5ms" is no threshold: as p99<50ms'],
    [["run", chatter, "--url", "ws://x", "--threshold", "p99<5"], "p99 wants ms or s behind its number"],
    [["run", chatter, "--url", "ws://x", "--threshold", "errors<5ms"], "errors is no time"],
    [["run", chatter, "--url", "ws://x", "--threshold", "delivered=101%"], "delivered is at most 100%"],
    [["run", chatter, "--url", "ws://x", "--threshold", "delivered(room.room.said)=1"], "delivered is not about one route"],
    [["run", chatter, "--url", "ws://x", "--prometheus", "9191"], '--prometheus is HOST:PORT, not "9191"'],
    [["run", chatter, "--url", "ws://x", "--metrics", "localhost"], "--metrics is an address with http://"],
    [["run", "nowhere.ts", "--url", "ws://x"], "nowhere.ts is not there"],
    [["run", chatter, "--url", "wss://x", "--ca", "nowhere"], "--ca: ENOENT"],
    [["run", "test/bot/chat-bots.ts", "--url", "ws://x"], "exports no scenario as default"],
  ])("%j cannot begin", async (args, words) => {
    const { code, out } = await run(...args);
    expect(out).toContain(words);
    expect(code).toBe(2);
  });
});
