import { execFileSync } from "node:child_process";
import { createServer, type Server, silentLogger } from "nano-rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scores, scoresKey } from "../../examples/extending/src/scores.ts";
import { type Child, startChild } from "../support/child.ts";
import { freePort } from "../support/port.ts";

function installed(): boolean {
  try {
    execFileSync("redis-server", ["--version"]);
    return true;
  } catch {
    console.warn("redis-server is not installed: a module that keeps scores in Redis is not tested");
    return false;
  }
}

describe.skipIf(!installed())("a module that keeps scores in a real Redis", () => {
  let redis: Child;
  let url = "";
  const start = async (port: number): Promise<void> => {
    redis = startChild("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    await redis.line((line) => line.includes("Ready to accept connections"));
    url = `redis://127.0.0.1:${port}`;
  };
  const serverOf = (at: string): Server => createServer({ id: "one", modules: [scores(at)], log: silentLogger });

  beforeAll(async () => start(await freePort()), 60_000);
  afterAll(() => redis?.end("SIGKILL"));

  test("gives them by its key, and they outlive the server", async () => {
    const first = serverOf(url);
    await first.start();
    await first.module(scoresKey).add("ann", 3);
    await first.module(scoresKey).add("bob", 5);
    expect(await first.module(scoresKey).add("ann", 4)).toBe(7);
    await first.stop();
    const second = serverOf(url);
    await second.start();
    expect(await second.module(scoresKey).best(2)).toEqual([
      { user: "ann", points: 7 },
      { user: "bob", points: 5 },
    ]);
    await second.stop();
    expect(() => second.module(scoresKey)).toThrow("no module");
  });

  test("ends the start where no Redis is there", async () => {
    const nobody = serverOf(`redis://127.0.0.1:${await freePort()}`);
    await expect(nobody.start()).rejects.toThrow("ECONNREFUSED");
    await nobody.stop();
  });
});
