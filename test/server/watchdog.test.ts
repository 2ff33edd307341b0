import { execPath } from "node:process";
import { createServer } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { type Child, startChild } from "../support/child.ts";

let child: Child;
let desk: DeskClient;
let close: () => Promise<void>;
let page = "";

const sheep = /^countSheep file:.*blocked-server\.ts:\d+$/;

/** The first line that says so of code that blocked. */
async function blocked(fits: (report: { readonly route?: string; readonly stack: readonly string[] }) => boolean) {
  const said = await child.line((line) => line.includes("the event loop was blocked") && fits(JSON.parse(line)));
  return JSON.parse(said);
}

beforeAll(async () => {
  child = startChild(execPath, ["--conditions=nano-source", "test/server/blocked-server.ts"]);
  const [, address = "", http] = (await child.line((line) => line.startsWith("ready "), 60_000)).split(" ");
  page = `http://${http}/metrics`;
  const [host = "", port] = address.split(":");
  const client = createClient({ transport: tcp({ host, port: Number(port) }) });
  await client.connect();
  desk = client.service(DeskClient);
  close = () => client.close();
}, 90_000);

afterAll(async () => {
  await close?.();
  await child?.end("SIGKILL");
});

describe("a watchdog", () => {
  test("says which handler has blocked the event loop, for how long, and where in its code", async () => {
    await desk.do({ word: "now" }, { timeoutMs: 20_000 }).result();
    const report = await blocked(({ route }) => route === "ask.desk.do");
    expect(report).toMatchObject({ level: "warn", server: "one", route: "ask.desk.do" });
    expect(report.blockedMs).toBeGreaterThan(200);
    expect(report.stack).toContainEqual(expect.stringMatching(sheep));
  });

  test("says where also of code that has waited before", async () => {
    await desk.see({ word: "later" }, { timeoutMs: 20_000 }).result();
    const report = await blocked(({ route, stack }) => route === undefined && stack.some((frame) => sheep.test(frame)));
    expect(report.stack).toContainEqual(expect.stringMatching(sheep));
  });

  test("counts how often, and for how long, by route", async () => {
    const text = await (await fetch(page)).text();
    const value = (name: string, route: string): number =>
      Number(new RegExp(`^${name}\\{route="${route}"\\} (.+)$`, "m").exec(text)?.[1]);
    expect(value("nano_blocked_total", "ask.desk.do")).toBe(1);
    expect(value("nano_blocked_seconds_total", "ask.desk.do")).toBeGreaterThan(0.2);
    expect(value("nano_blocked_total", "none")).toBeGreaterThanOrEqual(1);
  });

  test("leaves the server as it was", async () => {
    expect(await desk.put({ word: "short" }, { timeoutMs: 20_000 })).toMatchObject({ server: "one" });
  });

  test("is refused with a time that makes no sense", () => {
    for (const blockedMs of [0, -1, Number.NaN])
      expect(() => createServer({ watchdog: { blockedMs } })).toThrow("watchdog.blockedMs");
  });
});
