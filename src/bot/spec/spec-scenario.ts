import { sum } from "../report.ts";
import type { Scenario } from "../scenario.ts";
import { playSpec, type SpecWorld } from "./play-spec.ts";
import { readSpecs } from "./read-spec.ts";
import type { Spec } from "./spec.ts";

/** What `pitaya-bot` does with a folder of specs, as a scenario: as many users of each as it asks for, each once. */
export function specScenario(path: string, world: SpecWorld): Scenario {
  const specs = readSpecs(path);
  const users = sum(specs.map(({ numberOfInstances }) => numberOfInstances));
  return {
    name: specs.length === 1 ? (specs[0]?.name ?? path) : path,
    once: { users },
    thresholds: { errors: 0, also: [] },
    run: (bot) => playSpec(specOf(specs, bot.index % users), bot, world),
  };
}

function specOf(specs: readonly Spec[], user: number): Spec {
  let from = 0;
  for (const spec of specs) {
    from += spec.numberOfInstances;
    if (user < from) return spec;
  }
  throw new RangeError(`there is no user ${user}`);
}
