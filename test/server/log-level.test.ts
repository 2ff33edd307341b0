import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { type Child, startChild } from "../support/child.ts";
import { freePort } from "../support/port.ts";

interface Line {
  readonly level: string;
  readonly server: string;
  readonly msg: string;
  readonly now?: string;
  readonly addresses?: Readonly<Record<string, string>>;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A process of `serve`, and what it has logged; its stdout is its log. */
function start(...flags: readonly string[]): { readonly child: Child; readonly lines: readonly Line[] } {
  const script = fileURLToPath(new URL("loud-server.ts", import.meta.url));
  const child = startChild(execPath, ["--conditions=nano-source", script, ...flags]);
  cleanups.push(() => child.end("SIGKILL"));
  const lines: Line[] = [];
  let rest = "";
  child.process.stdout?.on("data", (bytes: Buffer) => {
    const whole = `${rest}${bytes}`.split("\n");
    rest = whole.pop() ?? "";
    for (const line of whole) if (line.startsWith("{")) lines.push(JSON.parse(line));
  });
  return { child, lines };
}

const said = (lines: readonly Line[], msg: string): readonly Line[] => lines.filter((line) => line.msg === msg);

test("the log says when a process is ready and where, and when it has stopped; SIGUSR2 makes it say all, and no more", async () => {
  const { child, lines } = start("--id", "loud-1", "--http.listen", "127.0.0.1:0");
  const poll = (look: () => unknown) => expect.poll(look, { timeout: 20_000 });
  await poll(() => said(lines, "tick").length).toBeGreaterThan(2);
  expect(said(lines, "ready")).toMatchObject([{ level: "info", server: "loud-1", addresses: { http: expect.any(String) } }]);
  expect(said(lines, "detail")).toEqual([]);
  const changed = "the level of the log was changed by a signal";
  child.process.kill("SIGUSR2");
  await poll(() => said(lines, "detail").length).toBeGreaterThan(2);
  expect(said(lines, changed)).toMatchObject([{ level: "warn", now: "debug" }]);
  child.process.kill("SIGUSR2");
  await poll(() => said(lines, changed).length).toBe(2);
  const before = said(lines, "detail").length;
  const ticks = said(lines, "tick").length;
  await poll(() => said(lines, "tick").length).toBeGreaterThan(ticks + 3);
  expect(said(lines, "detail")).toHaveLength(before);
  expect(await child.end("SIGTERM")).toBe(0);
  expect(said(lines, "stopping")).toHaveLength(1);
  expect(lines.at(-1)).toMatchObject({ level: "info", msg: "stopped" });
});

test("workers hear it from the process that looks after them, and are not ended by it", async () => {
  const { child, lines } = start("--workers", "2", "--id", "loud", "--tcp.listen", `127.0.0.1:${await freePort()}`);
  const detailing = (): number => new Set(said(lines, "detail").map((line) => line.server)).size;
  await expect.poll(() => new Set(said(lines, "tick").map((line) => line.server)).size, { timeout: 60_000 }).toBe(2);
  expect(detailing()).toBe(0);
  child.process.kill("SIGUSR2");
  await expect.poll(detailing, { timeout: 20_000 }).toBe(2);
  expect(await child.end("SIGTERM")).toBe(0);
}, 120_000);
