import { createServer, type Reporter, silentLogger } from "nano-rpc";
import { expect, test } from "vitest";
import { createVirtualClock } from "../../src/clock/index.ts";
import { until } from "../net/recorder.ts";
import { sampleReader } from "../support/sample-reader.ts";

test("a reporter of one's own reads when it likes", async () => {
  const { reporter, all } = sampleReader();
  const server = createServer({ log: silentLogger, reporters: [reporter] });
  const counter = server.metrics.counter({ name: "a_total", help: "A." });
  await server.start();
  counter.add(2);
  counter.add(0.5);
  expect(all().find(({ name }) => name === "a_total")).toEqual({
    kind: "counter",
    name: "a_total",
    help: "A.",
    labels: {},
    value: 2.5,
  });
  await server.stop();
});

test("a metric has one kind and one set of labels, a good name, and rising buckets", () => {
  const { metrics } = createServer({ log: silentLogger });
  metrics.counter({ name: "a_total", help: "A.", labels: ["b"] }).add(1, { b: "x" });
  metrics.counter({ name: "a_total", help: "A.", labels: ["b"] }).add(1, { b: "x" });
  expect(() => metrics.counter({ name: "a_total", help: "A." })).toThrow("there is a metric a_total already");
  expect(() => metrics.gauge({ name: "a_total", help: "A." }, () => 1)).toThrow("already");
  expect(() => metrics.counter({ name: "a-total", help: "A." })).toThrow('"a-total" is no name');
  expect(() => metrics.histogram({ name: "h", help: "H.", buckets: [2, 1] })).toThrow("do not rise");
  expect(() => metrics.counter({ name: "b_total", help: "B." }).add(-1)).toThrow(RangeError);
  expect(() => metrics.counter({ name: "b_total", help: "B." }).add(Number.NaN)).toThrow(RangeError);
});

test("labels that never end do not fill the memory", async () => {
  const { reporter, all } = sampleReader();
  const server = createServer({ log: silentLogger, reporters: [reporter] });
  await server.start();
  const counter = server.metrics.counter({ name: "a_total", help: "A.", labels: ["user"] });
  for (let user = 0; user < 1_500; user++) counter.add(1, { user: `${user}` });
  const series = all().filter(({ name }) => name === "a_total");
  expect(series).toHaveLength(1_001);
  expect(series.at(-1)).toMatchObject({ labels: { user: "other" }, value: 500 });
  await server.stop();
});

test("a reporter that fails to start ends the start; one that fails later is heard of, and nothing else is harmed", async () => {
  const bad: Reporter = { name: "bad", start: () => Promise.reject(new Error("no disk")), stop: () => {} };
  await expect(createServer({ log: silentLogger, reporters: [bad] }).start()).rejects.toThrow("no disk");
  const { reporter, all } = sampleReader();
  const server = createServer({ log: silentLogger, reporters: [reporter] });
  server.metrics.gauge({ name: "broken", help: "B." }, () => {
    throw new Error("not now");
  });
  await server.start();
  expect(all().some(({ name }) => name === "nano_ready")).toBe(true);
  await server.stop();
});

test("a reporter that never comes to an end holds up neither a start nor a stop", async () => {
  const clock = createVirtualClock();
  const never = (): Promise<void> => new Promise(() => {});
  const stuck = createServer({ clock, log: silentLogger, reporters: [{ name: "stuck", start: never, stop: () => {} }] });
  const start = stuck.start().catch((reason: unknown) => String(reason));
  await until(() => clock.nextAtMs).toBe(10_000);
  clock.moveTo(10_000);
  expect(await start).toContain("the reporter stuck took over 10000 ms");

  const server = createServer({ clock, log: silentLogger, reporters: [{ name: "stuck", start: () => {}, stop: never }] });
  await server.start();
  const stop = server.stop({ graceMs: 0 });
  await until(() => clock.nextAtMs).toBe(15_000);
  clock.moveTo(15_000);
  await stop;
});
