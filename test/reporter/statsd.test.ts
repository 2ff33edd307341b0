import { createSocket } from "node:dgram";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type StatsdOptions, silentLogger, statsd } from "nano-rpc";
import { afterEach, expect, test } from "vitest";
import { until } from "../net/recorder.ts";
import { type Child, startChild } from "../support/child.ts";
import { freePort } from "../support/port.ts";

// What statsd 0.9 writes its log by is gone from Node.
const oldNode = 'data:text/javascript,import util from "node:util"; util.log ??= console.log;';

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: StatsdOptions): Promise<Server> {
  const server = createServer({ id: "one", log: silentLogger, reporters: [statsd({ everyMs: 50, ...options })] });
  await server.start();
  cleanups.push(() => server.stop({ graceMs: 0 }));
  return server;
}

/** Takes what comes, as lines, packet by packet. */
async function listen(): Promise<{ readonly port: number; readonly packets: string[] }> {
  const packets: string[] = [];
  const socket = createSocket("udp4").on("message", (bytes) => packets.push(bytes.toString()));
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  cleanups.push(() => new Promise<void>((resolve) => socket.close(resolve)));
  return { port: socket.address().port, packets };
}

test("counters go out by what they have grown, gauges as they are, histograms as count and sum", async () => {
  const { port, packets } = await listen();
  const server = await start({ port, labels: "tags", tags: { region: "eu:1" } });
  const lines = (): string[] => packets.flatMap((packet) => packet.split("\n"));
  const said = server.metrics.counter({ name: "said_total", help: "Lines.", labels: ["room"] });
  server.metrics.gauge({ name: "cold", help: "Degrees." }, () => -3);
  server.metrics.histogram({ name: "size", help: "Letters.", buckets: [1] }).observe(4);
  said.add(2, { room: "a|b" });
  await until(() => lines().includes("said_total:2|c|#region:eu_1,room:a_b")).toBe(true);
  said.add(5, { room: "a|b" });
  await until(() => lines().includes("said_total:5|c|#region:eu_1,room:a_b")).toBe(true);
  expect(lines()).toEqual(
    expect.arrayContaining([
      "cold:0|g|#region:eu_1",
      "cold:-3|g|#region:eu_1",
      "size_count:1|c|#region:eu_1",
      "size_sum:4|c|#region:eu_1",
    ]),
  );
  expect(lines().filter((line) => line.startsWith("said_total"))).toHaveLength(2);
});

test("packets stay below 1,400 bytes, and all of them arrive", async () => {
  const { port, packets } = await listen();
  const server = await start({ port, prefix: "chat." });
  const said = server.metrics.counter({ name: "said_total", help: "Lines.", labels: ["room"] });
  for (let room = 0; room < 400; room++) said.add(room + 1, { room: `room.${room}` });
  const told = (): number => new Set(packets.flatMap((text) => text.match(/^chat\.said_total\.room_\d+:\d+\|c$/gm) ?? [])).size;
  await until(told).toBe(400);
  expect(Math.max(...packets.map((packet) => Buffer.byteLength(packet)))).toBeLessThanOrEqual(1_400);
  expect(Math.max(...packets.map((packet) => Buffer.byteLength(packet)))).toBeGreaterThan(1_000);
});

/** A real one (of npm), what it says of what it was told, and what it makes of it each `flushMs`. */
async function startStatsd(
  flushMs = 3_600_000,
): Promise<{ readonly port: number; ask(words: string): Promise<string>; line: Child["line"] }> {
  const folder = await mkdtemp(join(tmpdir(), "nano-statsd-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const [port, mgmt] = [await freePort(), await freePort()];
  const config = join(folder, "config.js");
  await writeFile(
    config,
    `{ port: ${port}, address: "127.0.0.1", mgmt_address: "127.0.0.1", mgmt_port: ${mgmt}, backends: ["./backends/console"], flushInterval: ${flushMs} }`,
  );
  const program = createRequire(import.meta.url).resolve("statsd/stats.js");
  const child = startChild(process.execPath, ["--import", oldNode, program, config]);
  cleanups.push(() => child.end("SIGKILL"));
  const ask = (words: string): Promise<string> =>
    new Promise((resolve) => {
      let text = "";
      const socket = connect({ host: "127.0.0.1", port: mgmt }, () => socket.write(`${words}\n`));
      socket.on("data", (bytes) => {
        text += bytes;
        if (text.includes("END")) socket.end();
      });
      socket.on("error", () => resolve("")).on("close", () => resolve(text));
    });
  await expect.poll(() => ask("counters"), { timeout: 20_000 }).toContain("END");
  return { port, ask, line: child.line };
}

test("a real statsd counts the same", async () => {
  const { port, ask } = await startStatsd();
  const server = await start({ port });
  const said = server.metrics.counter({ name: "said_total", help: "Lines.", labels: ["room"] });
  for (let time = 0; time < 10; time++) said.add(3, { room: "lobby" });
  await expect.poll(() => ask("counters"), { timeout: 20_000 }).toContain("'said_total.lobby': 30");
  await expect.poll(() => ask("gauges"), { timeout: 20_000 }).toContain("nano_ready: 1");
});

test("histograms go out as timings, of which a real statsd counts all and makes percentiles, though it is told one in ten", async () => {
  const { port: own, packets } = await listen();
  const { port, line } = await startStatsd(1_000);
  const server = createServer({
    ...{ id: "one", log: silentLogger },
    reporters: [port, own].map((to) => statsd({ port: to, everyMs: 3_600_000, histograms: "timings", sampleRate: 0.1 })),
  });
  const took = server.metrics.histogram({ name: "took_seconds", help: "How long.", labels: ["of"], buckets: [0.01, 0.1, 1] });
  await server.start();
  for (let at = 0; at < 1_000; at++) took.observe(at < 800 ? 0.005 : at < 995 ? 0.05 : 2, { of: "it" });
  await server.stop();
  const lines = (): string[] => packets.flatMap((packet) => packet.split("\n")).filter((line) => line.startsWith("took"));
  await until(() => lines().length).toBe(80 + 20 + 1);
  expect(lines().filter((line) => line === "took_seconds.it:10|ms|@0.1")).toHaveLength(80);
  expect(lines().at(-1)).toBe("took_seconds.it:1000|ms|@0.2");
  await line((text) => /\bcount: (1000|999\.9{6,}|1000\.0{6,}\d*)\b/.test(text));
  expect(await line((text) => /\bupper_90: /.test(text))).toContain("upper_90: 100");
  expect(() => statsd({ sampleRate: 0 })).toThrow(RangeError);
});

test("the last of it goes out when the server has ended; a statsd that is nowhere costs nothing", async () => {
  const { port, packets } = await listen();
  const options = { id: "two", log: silentLogger };
  const server = createServer({
    ...options,
    reporters: [statsd({ port, everyMs: 3_600_000 }), statsd({ port: await freePort() })],
  });
  await server.start();
  server.metrics.counter({ name: "ended_total", help: "Ends." }).add(1);
  await server.stop();
  await until(() => packets.join("\n").includes("ended_total:1|c")).toBe(true);
});
