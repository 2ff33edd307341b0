import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { execPath } from "node:process";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { until } from "../net/recorder.ts";
import { botStage } from "./chat-bots.ts";
import { Screen } from "./screen.ts";

const stage = botStage();

const urlOf = (path: string): string => JSON.stringify(pathToFileURL(resolve(path)).href);

/** Users whose every request is refused, until they have to go. */
const refused = `import { scenario } from ${urlOf("src/bot/index.ts")};
import { RoomClient } from ${urlOf("examples/chat/gen/chat/v1/chat_client.ts")};
export default scenario({
  name: "refused",
  stages: [{ users: 3, overMs: 0 }, { users: 3, overMs: 600_000 }],
  run: (bot) => bot.repeat({ times: Infinity, everyMs: 50 }, () => bot.service(RoomClient).join({ room: "", name: "" }).result().then(() => {})),
});`;

test("at a terminal some lines are drawn again in their place, and make room for the report", async () => {
  const file = join(stage.folder, "refused.ts");
  await writeFile(file, refused);
  const command = [execPath, "--conditions=nano-source", "src/bot/main.ts", "run", file, "--url", stage.server.tcpUrl].join(" ");
  // `script` of util-linux gives it a terminal.
  const child = spawn("script", ["-qfc", `stty cols 100; exec ${command}`, "/dev/null"]);
  const screen = new Screen();
  let drawings = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    drawings += text.split("stage 2 of 2").length - 1;
    screen.write(text);
  });
  try {
    await until(() => drawings > 2, 30_000).toBe(true);
    const lines = (): readonly string[] => screen.lines.map((line) => line.trimEnd()).filter((line) => line !== "");
    await until(() => lines().length, 10_000).toBe(6);
    const [title, users, calls, pushes, busy, errors] = lines();
    expect(title).toMatch(/^refused {2}stage 2 of 2, to 3 users {3}\[[#-]{30}\] \d+ % {3}0:\d\d of 10:00$/);
    expect(users).toBe("  users   3, 3 connected");
    expect(calls).toMatch(/^ {2}calls {3}\d+\/s {3}p50 [\d.]+ ms {3}p95 [\d.]+ ms {3}p99 [\d.]+ ms$/);
    expect(pushes).toMatch(/^ {2}pushes {2}0\/s /);
    expect(busy).toMatch(/^ {2}busy {4}\d+ % {3}nano-bot itself$/);
    expect(errors).toMatch(/^ {2}errors {2}\d+ invalid_argument$/);
    // As somebody who types ^C.
    child.stdin.write("\u0003");
    await new Promise((ended) => child.once("close", ended));
    expect(lines().join("\n")).toMatch(/^refused: 3 users in /m);
    expect(lines().join("\n")).not.toContain("stage 2 of 2");
  } finally {
    child.kill("SIGKILL");
  }
}, 60_000);
