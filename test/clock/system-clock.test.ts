import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { systemClock, turn } from "../../src/clock/index.ts";

afterEach(() => void vi.useRealTimers());

/** What a process of its own says; rejects when it does not end. */
async function run(code: string): Promise<string> {
  const source = `import { systemClock as clock, turn } from "./src/clock/index.ts"; ${code}`;
  const args = ["--conditions=nano-source", "--input-type=module", "--eval", source];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 20_000 });
  return stdout.trim();
}

describe("systemClock", () => {
  test("tells the time, and does not go back", () => {
    expect(Math.abs(systemClock.wallNow() - Date.now())).toBeLessThan(1_000);
    let before = systemClock.now();
    for (let at = 0; at < 1_000; at++) {
      const now = systemClock.now();
      expect(now).toBeGreaterThanOrEqual(before);
      before = now;
    }
  });

  test("calls once after its time, again and again, or never when it is cancelled", async () => {
    const began = systemClock.now();
    const called: string[] = [];
    systemClock.after(5, () => called.push("cancelled")).cancel();
    await new Promise<void>((resolve) => {
      let left = 3;
      const timer = systemClock.every(2, () => {
        called.push("every");
        if (--left > 0) return;
        timer.cancel();
        systemClock.after(20, resolve, { keepAlive: true });
      });
    });
    expect(called).toEqual(["every", "every", "every"]);
    // Timers of the host may come a little early by this clock.
    expect(systemClock.now() - began).toBeGreaterThan(24);
  });

  test("soon() comes after all promises of the turn, and before any timer", async () => {
    const order: string[] = [];
    const done = new Promise<void>(
      (resolve) => void systemClock.after(0, () => resolve(void order.push("timer")), { keepAlive: true }),
    );
    void Promise.resolve().then(() => {
      systemClock.soon(() => order.push("soon"));
      void Promise.resolve()
        .then(() => order.push("promise"))
        .then(() => order.push("its promise"));
    });
    await done;
    expect(order).toEqual(["promise", "its promise", "soon", "timer"]);
  });

  test("afterInput() comes when all sockets have been read that have something, and after soon()", async () => {
    const sockets = 8;
    const output = await run(`
      import { connect, createServer } from "node:net";
      const read = [];
      let accepted = 0;
      const clients = [];
      const server = createServer((socket) => {
        socket.on("data", () => {
          if (read.length === 0) {
            clock.afterInput(() => { console.log(read.join(" ")); process.exit(0); });
            clock.soon(() => read.push("soon"));
          }
          read.push("read");
        });
        // All of them have something before any is read.
        if (++accepted === ${sockets}) setTimeout(() => { for (const client of clients) client.write("x"); });
      });
      server.listen(0, "127.0.0.1", () => {
        for (let at = 0; at < ${sockets}; at++) clients.push(connect(server.address().port, "127.0.0.1"));
      });
    `);
    expect(output).toBe(["read", "soon", ...Array.from({ length: sockets - 1 }, () => "read")].join(" "));
  });

  test("a delay over 2^31 ms is waited for, and one for ever never ends", () => {
    vi.useFakeTimers();
    const delayMs = 2 ** 31 * 2.5;
    const called: string[] = [];
    systemClock.after(delayMs, () => called.push("late"));
    const cancelled = systemClock.after(delayMs, () => called.push("cancelled"));
    const forever = systemClock.after(Number.POSITIVE_INFINITY, () => called.push("for ever"));
    const every = systemClock.every(2 ** 31, () => called.push("every"));
    vi.advanceTimersByTime(1_000);
    expect(called).toEqual([]);
    vi.advanceTimersByTime(2 ** 31 - 10_000);
    every.cancel();
    expect(called).toEqual([]);
    vi.advanceTimersByTime(2 ** 31);
    cancelled.cancel();
    expect(called).toEqual([]);
    vi.advanceTimersByTime(2 ** 31);
    expect(called).toEqual(["late"]);
    forever.cancel();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("keeps no process alive, unless that is asked for", async () => {
    const say = "() => console.log('called')";
    expect(await run(`clock.after(600_000, ${say}); clock.after(2 ** 40, ${say}); clock.every(600_000, ${say});`)).toBe("");
    expect(await run(`clock.after(20, ${say}, { keepAlive: true });`)).toBe("called");
    expect(await run(`clock.after(600_000, ${say}, { keepAlive: true }).cancel();`)).toBe("");
  });
});

describe("turn()", () => {
  test("comes when promises and ticks, in each other, have come to rest", async () => {
    const order: string[] = [];
    let left = 50;
    const next = (): void => {
      if (left-- === 0) order.push("rest");
      else if (left % 2 === 0) process.nextTick(next);
      else void Promise.resolve().then(next);
    };
    next();
    await turn();
    order.push("turn");
    expect(order).toEqual(["rest", "turn"]);
  });

  test("does not wait for timers", async () => {
    const timer = systemClock.after(600_000, () => {});
    await turn();
    timer.cancel();
  });

  test("leaves nothing open: the process ends", async () => {
    expect(await run("for (let at = 0; at < 20; at++) await turn(); console.log('rest');")).toBe("rest");
  });
});
