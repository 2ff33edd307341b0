import fc from "fast-check";
import { expect, test } from "vitest";
import { type Clock, createDeadlineSweep, createVirtualClock, type Due, sharedDeadlineSweep } from "../../src/clock/index.ts";

const periodMs = 50;

test("whatever comes and goes expires once, in the order of its time, at most a period late; what was taken away never does", () => {
  const step = fc.oneof(
    fc.record({ what: fc.constant("add" as const), ms: fc.nat(400), ends: fc.option(fc.nat(30), { nil: undefined }) }),
    fc.record({ what: fc.constant("remove" as const), which: fc.nat(30) }),
    fc.record({ what: fc.constant("wait" as const), ms: fc.nat(120) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = createVirtualClock();
      const sweep = createDeadlineSweep(clock, periodMs);
      const all: Due[] = [];
      const waiting = new Set<Due>();
      // Of those that expired together.
      let [lookedAtMs, last] = [0, 0];
      const take = (due: Due | undefined): void => {
        if (!due) return;
        waiting.delete(due);
        sweep.remove(due);
      };
      for (const one of steps) {
        if (one.what === "wait") clock.moveTo(clock.now() + one.ms);
        else if (one.what === "remove") take(all[one.which]);
        else {
          const due: Due = {
            deadlineMs: clock.now() + one.ms,
            expire() {
              const late = clock.now() - due.deadlineMs;
              expect(waiting.delete(due)).toBe(true);
              if (lookedAtMs !== clock.now()) [lookedAtMs, last] = [clock.now(), 0];
              expect([late >= 0, late <= periodMs, due.deadlineMs >= last]).toEqual([true, true, true]);
              last = due.deadlineMs;
              // One may end another, also one whose time has come as well.
              if (one.ends !== undefined) take(all[one.ends]);
            },
          };
          all.push(due);
          waiting.add(due);
          sweep.add(due);
          // The same twice is the same.
          sweep.add(due);
        }
        expect(sweep.size).toBe(waiting.size);
      }
      clock.moveTo(clock.now() + 600);
      expect([sweep.size, waiting.size]).toEqual([0, 0]);
    }),
  );
});

test("clear forgets all; they may come again", () => {
  const clock = createVirtualClock();
  const sweep = createDeadlineSweep(clock);
  let expired = 0;
  const due: Due = { deadlineMs: 10, expire: () => void expired++ };
  sweep.add(due);
  sweep.clear();
  clock.moveTo(clock.now() + 100);
  expect([expired, sweep.size]).toEqual([0, 0]);
  sweep.add(due);
  clock.moveTo(clock.now() + 100);
  expect([expired, sweep.size]).toEqual([1, 0]);
});

test("who shares a clock shares one timer, and only who shares it", () => {
  const virtual = createVirtualClock();
  let timers = 0;
  const every: Clock["every"] = (ms, call) => {
    timers++;
    return virtual.every(ms, call);
  };
  const clock: Clock = { ...virtual, every };
  const expired: number[] = [];
  for (let one = 0; one < 100; one++) {
    sharedDeadlineSweep(clock).add({ deadlineMs: 100 + (one % 2) * 100, expire: () => void expired.push(one) });
  }
  virtual.moveTo(160);
  expect([timers, expired.length, sharedDeadlineSweep(clock).size]).toEqual([1, 50, 50]);
  virtual.moveTo(260);
  expect([timers, expired.length]).toEqual([1, 100]);
  expect(sharedDeadlineSweep(createVirtualClock())).not.toBe(sharedDeadlineSweep(clock));
});
