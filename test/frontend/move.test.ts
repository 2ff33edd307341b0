import { describe, expect, test } from "vitest";
import { createVirtualClock, seededRandom } from "../../src/clock/index.ts";
import { type MovingSession, moveMs, moveSessions } from "../../src/frontend/move.ts";
import { createVirtualTime } from "../../src/testing/virtual-time.ts";

const clock = createVirtualClock();
const time = createVirtualTime(clock, () => 0);

/** Sessions that go when they are told to, `busyMs` after that, and only when deaf where they are `endless`. */
function createSessions(count: number, { busyMs = 0, endless = false } = {}) {
  const left = new Map<string, MovingSession>();
  const wentMs: number[] = [];
  for (let at = 0; at < count; at++) {
    const id = String(at);
    const go = (): void => {
      if (left.delete(id)) wentMs.push(clock.now());
    };
    let asked = false;
    left.set(id, {
      endWhenAnswered(_reason, deaf) {
        if (endless && !deaf) return;
        if (asked) return;
        asked = true;
        if (busyMs === 0) go();
        else clock.after(busyMs, go);
      },
      async end() {
        go();
      },
    });
  }
  return { left, wentMs };
}

async function move(sessions: ReadonlyMap<string, MovingSession>, graceMs: number): Promise<number> {
  const over = new AbortController();
  const began = clock.now();
  clock.after(graceMs, () => over.abort());
  await time.drive(moveSessions(sessions, { leftMs: graceMs, signal: over.signal }, { clock, random: seededRandom(3) }));
  return clock.now() - began;
}

/** How many went in each second. */
function bySecond(wentMs: readonly number[]): number[] {
  const first = wentMs[0] ?? 0;
  const seconds: number[] = [];
  for (const ms of wentMs) {
    const second = Math.floor((ms - first) / 1_000);
    seconds[second] = (seconds[second] ?? 0) + 1;
  }
  return seconds;
}

describe("clients of a frontend that drains", () => {
  test("a few go at once", async () => {
    const { left, wentMs } = createSessions(20);
    expect(await move(left, 30_000)).toBeLessThanOrEqual(100);
    expect(wentMs).toHaveLength(20);
  });

  test("5,000 go 500 a second, and 40,000 within half of the time", async () => {
    const some = createSessions(5_000);
    expect(await move(some.left, 30_000)).toBe(10_000);
    expect(Math.max(...bySecond(some.wentMs))).toBeLessThanOrEqual(550);
    const many = createSessions(40_000);
    expect(await move(many.left, 30_000)).toBe(15_000);
    expect(moveMs(40_000, 30_000)).toBe(15_000);
    expect(Math.max(...bySecond(many.wentMs))).toBeLessThanOrEqual(2_900);
  });

  test("each has the time to hear its answers", async () => {
    const { left } = createSessions(10, { busyMs: 4_000 });
    expect(await move(left, 30_000)).toBeLessThanOrEqual(4_200);
  });

  test("one that asks and asks is not taken more of after 2 s; one that never comes to an end goes at the deadline", async () => {
    expect(await move(createSessions(3, { endless: true }).left, 30_000)).toBeLessThanOrEqual(2_100);
    expect(await move(createSessions(3, { busyMs: 60_000 }).left, 5_000)).toBe(5_000);
  });
});
