import { describe, expect, test, vi } from "vitest";
import { createDeadlineSweep, createVirtualClock, type Due, sleep, turn, within } from "../../src/clock/index.ts";

describe("sleep()", () => {
  test("resolves after its time, not before", async () => {
    const clock = createVirtualClock();
    const over = vi.fn();
    void sleep(clock, 100).then(over);
    clock.moveTo(99);
    await turn();
    expect(over).not.toHaveBeenCalled();
    clock.moveTo(100);
    await turn();
    expect(over).toHaveBeenCalledOnce();
  });

  test("an abort ends it with the signal's reason, and takes the timer back", async () => {
    const clock = createVirtualClock();
    const abort = new AbortController();
    const sleeping = sleep(clock, 100, abort.signal);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("a signal that was aborted before ends it at once", async () => {
    const clock = createVirtualClock();
    await expect(sleep(clock, 100, AbortSignal.abort("gone"))).rejects.toBe("gone");
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("leaves no listener on the signal", async () => {
    const clock = createVirtualClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, "addEventListener");
    const removed = vi.spyOn(signal, "removeEventListener");
    const sleeping = sleep(clock, 1, signal);
    clock.moveTo(1);
    await sleeping;
    expect(removed.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
      added.mock.calls.map(([type, listener]) => [type, listener]),
    );
  });
});

describe("within()", () => {
  const late = (): string => "late";

  test("gives what the promise gives, and takes the timer back", async () => {
    const clock = createVirtualClock();
    expect(await within(clock, 10, Promise.resolve("in time"), late)).toBe("in time");
    await expect(within(clock, 10, Promise.reject(new Error("in time")), late)).rejects.toThrow("in time");
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("gives what late() gives, or throws, when the time is over", async () => {
    const clock = createVirtualClock();
    const given = within(clock, 10, new Promise(() => {}), late);
    const thrown = within(clock, 10, new Promise(() => {}), () => {
      throw new Error("too late");
    });
    clock.moveTo(10);
    expect(await given).toBe("late");
    await expect(thrown).rejects.toThrow("too late");
  });

  test("a promise that fails afterwards is nobody's unhandled rejection", async () => {
    const clock = createVirtualClock();
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const slow = Promise.withResolvers<string>();
    const given = within(clock, 10, slow.promise, late);
    clock.moveTo(10);
    expect(await given).toBe("late");
    slow.reject(new Error("nobody hears this"));
    await turn();
    await turn();
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("createDeadlineSweep()", () => {
  const due = (deadlineMs: number, expire: () => void = () => {}): Due => ({ deadlineMs, expire });

  test("fires each once, never early, at most one period late", () => {
    const clock = createVirtualClock();
    const sweep = createDeadlineSweep(clock, 50);
    const fired: [number, number][] = [];
    for (const at of [0, 1, 49, 50, 51, 99, 100, 101, 1_000]) sweep.add(due(at, () => fired.push([at, clock.now()])));
    clock.moveTo(10_000);
    expect(fired.map(([at]) => at)).toEqual([0, 1, 49, 50, 51, 99, 100, 101, 1_000]);
    for (const [at, firedAt] of fired) expect(firedAt).toBe(Math.max(1, Math.ceil(at / 50)) * 50);
    expect(sweep.size).toBe(0);
  });

  test("looks every 50 ms by default", () => {
    const clock = createVirtualClock();
    createDeadlineSweep(clock).add(due(1_000));
    expect(clock.nextAtMs).toBe(50);
  });

  test("what is removed does not fire; what expires is not in the sweep any more", () => {
    const clock = createVirtualClock();
    const sweep = createDeadlineSweep(clock);
    const removed = due(10, () => expect.unreachable());
    sweep.add(removed);
    const seen: number[] = [];
    sweep.add(due(10, () => seen.push(sweep.size)));
    expect(sweep.size).toBe(2);
    sweep.remove(removed);
    sweep.remove(removed);
    clock.moveTo(50);
    expect(seen).toEqual([0]);
  });

  test("has no timer while there is nothing to look at", () => {
    const clock = createVirtualClock();
    const sweep = createDeadlineSweep(clock);
    expect(clock.nextAtMs).toBeUndefined();
    const one = due(10_000);
    sweep.add(one);
    sweep.remove(one);
    clock.moveTo(100);
    expect(clock.nextAtMs).toBeUndefined();
    sweep.add(due(120));
    clock.moveTo(1_000);
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("what is added while others expire fires in its own time", () => {
    const clock = createVirtualClock();
    const sweep = createDeadlineSweep(clock);
    const fired: number[] = [];
    sweep.add(due(10, () => sweep.add(due(60, () => fired.push(clock.now())))));
    clock.moveTo(200);
    expect(fired).toEqual([100]);
  });

  test("clear() forgets all, also while it fires, and can be used again", () => {
    const clock = createVirtualClock();
    const sweep = createDeadlineSweep(clock);
    sweep.add(due(10, () => sweep.clear()));
    sweep.add(due(10, () => expect.unreachable()));
    clock.moveTo(100);
    expect([sweep.size, clock.nextAtMs]).toEqual([0, undefined]);
    const fired: number[] = [];
    sweep.add(due(110, () => fired.push(clock.now())));
    clock.moveTo(150);
    expect(fired).toEqual([150]);
  });
});
