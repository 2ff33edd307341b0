import { expect, test } from "vitest";
import { cycle } from "./cycles.ts";

test("3,000 clients that come and go leave nothing behind", async () => {
  const { sessions, opened, beforeBytes, afterBytes } = await cycle("visits", { warm: 1_000, cycles: 3_000 });
  expect(sessions).toBe(0);
  // Half of the 4,000 talk, and are seen by the gate and the room; a quarter is seen by the gate alone, as far as its ack arrived.
  expect(opened).toBeGreaterThanOrEqual(4_000);
  // An idle session has some 4 KiB: a tenth of them would be more than this.
  expect(afterBytes - beforeBytes).toBeLessThan(1_048_576);
}, 240_000);

test("1,000 resumes leave nothing behind", async () => {
  const { sessions, resumed, beforeBytes, afterBytes } = await cycle("resumes", { warm: 500, cycles: 1_000 });
  expect(sessions).toBe(0);
  expect(resumed).toBeGreaterThanOrEqual(1_500);
  // Half a KiB of each would be this.
  expect(afterBytes - beforeBytes).toBeLessThan(524_288);
}, 240_000);
