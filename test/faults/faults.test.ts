import { expect, test } from "vitest";
import { play } from "./scenario.ts";
import { quickScenarios } from "./scenarios.ts";

// A lease is shorter than by default, and there is one round: it is waited for. `npm run test:faults` plays all of them, at their length.
const pace = { leaseMs: 4_000, rounds: 1 };

test.each(quickScenarios)(
  "$name",
  async (scenario) => {
    const lines = await play(scenario, pace);
    // How long things take is for a quiet machine to assert; what happens, how often and in which order holds everywhere.
    console.log(lines.map(({ line, seen, limit }) => `${line}: ${seen} (${limit})`).join("\n"));
    expect(lines.filter(({ timed, held }) => !timed && !held)).toEqual([]);
    expect(lines.length).toBeGreaterThan(3);
  },
  120_000,
);
