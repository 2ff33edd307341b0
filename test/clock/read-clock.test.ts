import { describe, expect, it } from "vitest";
import { createVirtualClock, ReadClock } from "../../src/clock/index.ts";

describe("ReadClock", () => {
  it("stands still while a read is worked off, until it is looked at", () => {
    const clock = createVirtualClock();
    const time = new ReadClock(clock);
    clock.moveTo(clock.now() + 5);
    const cameMs = time.begin();
    expect(cameMs).toBe(clock.now());
    clock.moveTo(clock.now() + 7);
    expect(time.now()).toBe(cameMs);
    expect(time.look()).toBe(cameMs + 7);
    clock.moveTo(clock.now() + 3);
    expect(time.now()).toBe(cameMs + 7);
  });

  it("is the clock at any other time", () => {
    const clock = createVirtualClock();
    const time = new ReadClock(clock);
    time.begin();
    time.end();
    clock.moveTo(clock.now() + 11);
    expect(time.now()).toBe(clock.now());
    time.look();
    clock.moveTo(clock.now() + 2);
    expect(time.now()).toBe(clock.now());
  });
});
