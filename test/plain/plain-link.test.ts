import { expect, test } from "vitest";
import { createDeadlineSweep, createVirtualClock } from "../../src/clock/index.ts";
import { NanoError } from "../../src/error/index.ts";
import { callBody, type Outcome } from "../../src/link/index.ts";
import { PlainLink } from "../../src/plain/plain-link.ts";
import type { RouteInfo } from "../../src/route/index.ts";

const kib = 1_024;

test("what a slow server is asked waits for at most 4 MiB; what is over makes room", async () => {
  const clock = createVirtualClock();
  const link = new PlainLink({
    ...{ clock, deadlines: createDeadlineSweep(clock), authorization: {} },
    peer: { id: "slow", incarnation: 1n, types: ["room"], frontend: false, schema: "" },
    routeOf: () => ({ path: "/play.v1.Slow/Ask" }) as RouteInfo,
    connect: () => Promise.resolve(),
  });
  // It takes calls, and answers none.
  link.caller = { open: true, certificate: undefined, call: () => () => {}, ping() {}, destroy() {} };
  const outcomes: (Outcome | NanoError)[] = [];
  const ask = (bytes: number): void => {
    const call = link.expect(clock.now() + 1_000, (outcome) => outcomes.push(outcome));
    try {
      link.sendData(callBody(call, "room.slow.ask", new Uint8Array(bytes), { remainingMs: 1_000 }));
    } catch (reason) {
      link.forget(call, NanoError.from(reason));
    }
  };
  for (let at = 0; at < 64; at++) ask(64 * kib);
  expect(outcomes).toEqual([]);
  ask(1);
  expect(outcomes.map((outcome) => outcome instanceof NanoError && outcome.code)).toEqual(["resource_exhausted"]);
  expect(link.counters.refused).toBe(1);
  clock.moveTo(1_100);
  expect(outcomes).toHaveLength(65);
  ask(64 * kib);
  expect(outcomes).toHaveLength(65);
  link.close("over");
  expect(outcomes).toHaveLength(66);
});
