import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createStoppableClock, createVirtualClock, turn } from "../../src/clock/index.ts";

describe("createVirtualClock()", () => {
  test("starts at 0, on 1 January 2026, and moves only when told", async () => {
    const clock = createVirtualClock();
    await turn();
    expect([clock.now(), new Date(clock.wallNow()).toISOString()]).toEqual([0, "2026-01-01T00:00:00.000Z"]);
    clock.moveTo(1_500);
    expect([clock.now(), new Date(clock.wallNow()).toISOString()]).toEqual([1_500, "2026-01-01T00:00:01.500Z"]);
  });

  test("calls what is due, at its time, in the order of time and then of asking", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 20 }), fc.nat(25), (delays, until) => {
        const clock = createVirtualClock();
        const called: [number, number][] = [];
        for (const [at, delay] of delays.entries()) clock.after(delay, () => called.push([clock.now(), at]));
        clock.moveTo(until);
        const due = delays.map((delay, at): [number, number] => [delay, at]).filter(([delay]) => delay <= until);
        expect(called).toEqual(due.sort(([one, first], [other, second]) => one - other || first - second));
        expect(clock.now()).toBe(until);
        const later = delays.filter((delay) => delay > until);
        expect(clock.nextAtMs).toBe(later.length > 0 ? Math.min(...later) : undefined);
      }),
    );
  });

  test("a timer that a timer sets is called in the same move, if it is due by then", () => {
    const clock = createVirtualClock();
    const called: number[] = [];
    const again = (): void => {
      called.push(clock.now());
      clock.after(10, again);
    };
    clock.after(10, again);
    clock.moveTo(35);
    expect(called).toEqual([10, 20, 30]);
    expect(clock.nextAtMs).toBe(40);
  });

  test("a delay below 0 is 0: it is called by the next move, be it to now", () => {
    const clock = createVirtualClock();
    clock.moveTo(5);
    const called: number[] = [];
    clock.after(-10, () => called.push(clock.now()));
    expect([called, clock.nextAtMs]).toEqual([[], 5]);
    clock.moveTo(5);
    expect(called).toEqual([5]);
  });

  test("never goes back", () => {
    const clock = createVirtualClock();
    clock.moveTo(100);
    clock.moveTo(50);
    expect(clock.now()).toBe(100);
  });

  test("every() begins after one period, and goes on until it is cancelled, be it by itself", () => {
    const clock = createVirtualClock();
    const called: number[] = [];
    const timer = clock.every(10, () => {
      called.push(clock.now());
      if (called.length === 3) timer.cancel();
    });
    clock.moveTo(9);
    expect(called).toEqual([]);
    clock.moveTo(100);
    expect(called).toEqual([10, 20, 30]);
    expect(clock.nextAtMs).toBeUndefined();
  });

  test("a period of 0 does not hold the move up for ever", () => {
    const clock = createVirtualClock();
    let called = 0;
    clock.every(0, () => called++);
    clock.moveTo(10);
    expect(called).toBe(11);
  });

  test("a cancelled timer is not called, also where another cancels it at that very time", () => {
    const clock = createVirtualClock();
    const called: string[] = [];
    clock.after(10, () => second.cancel());
    const second = clock.after(10, () => called.push("second"));
    const third = clock.after(20, () => called.push("third"));
    third.cancel();
    third.cancel();
    clock.moveTo(30);
    expect(called).toEqual([]);
  });

  test("soon() is called without a move, after what is going on", async () => {
    const clock = createVirtualClock();
    const called: string[] = [];
    clock.soon(() => called.push("soon"));
    called.push("now");
    await turn();
    expect(called).toEqual(["now", "soon"]);
  });
});

describe("createStoppableClock()", () => {
  test("is the clock until it is stopped; then nothing is called any more, on this face alone", async () => {
    const clock = createVirtualClock();
    const face = createStoppableClock(clock);
    const called: string[] = [];
    const ask = (on: typeof clock | typeof face, name: string): void => {
      on.after(10, () => called.push(`${name} after`));
      on.every(10, () => called.push(`${name} every`));
      on.soon(() => called.push(`${name} soon`));
      on.afterInput(() => called.push(`${name} afterInput`));
    };
    ask(face, "face");
    const cancelled = face.after(5, () => called.push("cancelled"));
    cancelled.cancel();
    await turn();
    clock.moveTo(10);
    expect(called.splice(0)).toEqual(["face soon", "face afterInput", "face after", "face every"]);
    expect([face.now(), face.wallNow()]).toEqual([clock.now(), clock.wallNow()]);

    ask(face, "face");
    ask(clock, "clock");
    face.stop();
    ask(face, "late");
    await turn();
    clock.moveTo(20);
    expect(called).toEqual(["clock soon", "clock afterInput", "clock after", "clock every"]);
    expect(face.now()).toBe(20);
  });
});
