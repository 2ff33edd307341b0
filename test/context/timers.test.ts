import type { Session } from "nano-rpc";
import { describe, expect, test } from "vitest";
import { createVirtualClock } from "../../src/clock/index.ts";
import { createTimers } from "../../src/context/index.ts";
import { createJsonLogger } from "../../src/logger/index.ts";

function timersOf() {
  const clock = createVirtualClock();
  const lines: string[] = [];
  const log = createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 });
  const timers = createTimers({ clock, log, tracing: undefined });
  const runs: number[] = [];
  return { clock, timers, lines, runs, run: () => void runs.push(clock.now()) };
}

/** What timers need of a session: that it closes. */
function closing() {
  const listeners = new Set<() => void>();
  const onClose = (listener: () => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return { session: { onClose } as Partial<Session> as Session, listeners };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("timers of a server", () => {
  test("run once, and again and again, until they are cancelled or the server ends", async () => {
    const { clock, timers, runs, run } = timersOf();
    timers.of(undefined).after(50, run);
    const every = timers.of(undefined).every(100, run);
    for (const at of [100, 200]) {
      clock.moveTo(at);
      await settled();
    }
    expect(runs).toEqual([50, 100, 200]);
    every.cancel();
    timers.of(undefined).every(100, run);
    timers.of(undefined).cron("* * * * * *", run);
    timers.clear();
    clock.moveTo(10_000);
    expect(runs).toHaveLength(3);
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("a run that has not finished is not joined by another; what it throws is logged, and the next one comes", async () => {
    const { clock, timers, lines } = timersOf();
    const gates: PromiseWithResolvers<void>[] = [];
    timers.of(undefined).every(10, () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    });
    clock.moveTo(100);
    expect(gates).toHaveLength(1);
    gates[0]?.reject(new Error("broken"));
    await settled();
    clock.moveTo(110);
    expect(gates).toHaveLength(2);
    expect(lines.map((line) => JSON.parse(line).err.message)).toEqual(["broken"]);
  });

  test("a time that no timer takes is refused", () => {
    const { timers, run } = timersOf();
    for (const ms of [-1, Number.NaN, 2 ** 31]) expect(() => timers.of(undefined).every(ms, run)).toThrow("a timer takes");
  });
});

describe("timers of a session", () => {
  test("end when it closes, and leave nothing with it when they have run", () => {
    const { clock, timers, runs, run } = timersOf();
    const { session, listeners } = closing();
    timers.of(session).after(10, run);
    timers.of(session).every(100, run);
    clock.moveTo(10);
    expect(listeners.size).toBe(1);
    for (const closed of [...listeners]) closed();
    clock.moveTo(1_000);
    expect(runs).toEqual([10]);
    expect(listeners.size).toBe(0);
  });
});

describe("cron expressions", () => {
  test("run on the server's clock, in the zone that is named", () => {
    const { clock, timers, runs, run } = timersOf();
    // The clock begins at midnight of 1 January 2026, UTC.
    timers.of(undefined).cron("30 4 * * *", run, { timezone: "Europe/Berlin" });
    clock.moveTo(2 * 86_400_000);
    expect(runs).toEqual([3.5 * 3_600_000, 27.5 * 3_600_000]);
  });

  test("come after months, too", () => {
    const { clock, timers, runs, run } = timersOf();
    timers.of(undefined).cron("0 0 1 4 *", run, { timezone: "UTC" });
    clock.moveTo(100 * 86_400_000);
    expect(runs).toEqual([90 * 86_400_000]);
  });

  test.each(["", "every day", "99 * * * *"])("%j is none", (expression) => {
    const { timers, run } = timersOf();
    expect(() => timers.of(undefined).cron(expression, run)).toThrow("is no time");
  });
});
