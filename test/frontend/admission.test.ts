import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/clock/index.ts";
import { createAdmission } from "../../src/frontend/admission.ts";
import { type FrontendLimits, resolveLimits } from "../../src/frontend/limits.ts";
import { createPressure, type Pressure } from "../../src/frontend/pressure.ts";
import { createFrontendCounters } from "../../src/metrics/index.ts";
import { addressKey } from "../../src/net/index.ts";

const calm: Pressure = { look: () => {}, over: undefined };

function admission(limits: FrontendLimits = {}, pressure = calm) {
  const { limits: hits } = createFrontendCounters();
  return { hits, ...createAdmission(resolveLimits(limits), { random: seededRandom(7), pressure, hits, nowMs: 0 }) };
}

describe("admission", () => {
  test("takes a second's handshakes at once, and sends the next away", () => {
    const { admit, hits } = admission({ handshakesPerSecond: 10 });
    for (let at = 0; at < 10; at++) expect(admit(0)).toBeUndefined();
    expect(admit(0)).toBe(1_000);
    expect(hits.handshakesPerSecond).toBe(1);
    expect(admit(100)).toBeUndefined();
    expect(admit(100)).toBeDefined();
  });

  test("a storm comes back as a steady stream, and then is in", () => {
    const { admit } = admission({ handshakesPerSecond: 1_000 });
    const returns: number[] = [];
    for (let at = 0; at < 5_000; at++) {
      const afterMs = admit(0);
      if (afterMs !== undefined) returns.push(afterMs);
    }
    expect(returns).toHaveLength(4_000);
    const seconds = Map.groupBy(returns, (ms) => Math.floor(ms / 1_000));
    for (const [second, all] of seconds) expect(all.length, `second ${second}`).toBeLessThanOrEqual(1_001);
    for (const ms of returns) expect(admit(ms)).toBeUndefined();
  });

  test("nobody is told to wait for longer than 30 s, however many come", () => {
    const { later } = admission({ handshakesPerSecond: 10 });
    const waits = Array.from({ length: 1_000 }, () => later(0));
    expect(Math.max(...waits)).toBeLessThanOrEqual(30_000);
    // The places were given out by then; the others are spread over the last half.
    const beyond = waits.slice(300);
    expect(Math.min(...beyond)).toBeGreaterThanOrEqual(15_000);
    expect(new Set(beyond).size).toBeGreaterThan(600);
  });

  test.each(["heapShare", "loopDelayMs"] as const)("over %s nobody is taken", (over) => {
    const { admit, hits } = admission({}, { look: () => {}, over });
    expect(admit(0)).toBe(1_000);
    expect(hits[over]).toBe(1);
  });
});

describe("pressure", () => {
  test("is a loop that is late twice in a row, by more than the limit", () => {
    const pressure = createPressure({ loopDelayMs: 500, heapShare: 1 }, { periodMs: 1_000, nowMs: 0, heapShare: () => 0 });
    const after: (string | undefined)[] = [];
    let now = 0;
    for (const lateMs of [0, 501, 500, 501, 501, 600, 0, 900]) {
      now += 1_000 + lateMs;
      pressure.look(now);
      after.push(pressure.over);
    }
    const over = "loopDelayMs";
    expect(after).toEqual([undefined, undefined, undefined, undefined, over, over, undefined, undefined]);
  });

  test("is a heap that is filled beyond its share", () => {
    let used = 0.85;
    const pressure = createPressure({ loopDelayMs: 500, heapShare: 0.85 }, { periodMs: 1_000, nowMs: 0, heapShare: () => used });
    pressure.look(1_000);
    expect(pressure.over).toBeUndefined();
    used = 0.851;
    pressure.look(2_000);
    expect(pressure.over).toBe("heapShare");
    used = 0.5;
    pressure.look(3_000);
    expect(pressure.over).toBeUndefined();
  });

  test("the heap of this process is somewhere between", () => {
    for (const [heapShare, over] of [
      [1e-9, "heapShare"],
      [1, undefined],
    ] as const) {
      const pressure = createPressure({ loopDelayMs: 500, heapShare }, { periodMs: 1_000, nowMs: 0 });
      pressure.look(1_000);
      expect(pressure.over).toBe(over);
    }
  });
});

describe("an address is counted as", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["127.0.0.1", undefined],
    ["127.8.9.1", undefined],
    ["::ffff:127.0.0.1", undefined],
    ["::1", undefined],
    ["", undefined],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2:ffff::1", "2001:db8:1:2"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["2001:db8::3:4:5:6:7", "2001:db8:0:3"],
    ["fe80::1%eth0", "fe80:0:0:0"],
  ])("%s: %s", (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe("limits that make no sense", () => {
  test.each<[FrontendLimits, string]>([
    [{ connections: 0 }, "limits.connections must be at least 1, not 0"],
    [{ stalledMs: Number.NaN }, "limits.stalledMs must be at least 1, not NaN"],
    [{ heapShare: -1 }, "limits.heapShare must be at least 0, not -1"],
    [{ heartbeatMs: 1_500 }, "limits.heartbeatMs must be whole seconds"],
    [{ heartbeatMs: Infinity }, "limits.heartbeatMs must be whole seconds"],
    [{ packetBytes: 0x100_0000 }, "limits.packetBytes must fit 24 bits"],
    [{ packetOutBytes: Infinity }, "limits.packetOutBytes must fit 24 bits"],
    [{ bytesBurst: 65_535 }, "limits.bytesBurst must hold one packet of packetBytes"],
  ])("%o are refused", (limits, message) => {
    expect(() => resolveLimits(limits)).toThrow(new RangeError(message));
  });

  test("a larger packet or rate takes its burst along", () => {
    expect(resolveLimits({ packetBytes: 1_000_000 }).bytesBurst).toBe(1_000_000);
    expect(resolveLimits({ messagesPerSecond: 1_000 }).messagesBurst).toBe(1_000);
  });
});
