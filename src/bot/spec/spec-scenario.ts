import { sum } from "../report.ts";
import type { Scenario } from "../scenario.ts";
import { playSpec, type SpecWorld } from "./play-spec.ts";
import { readSpecs } from "./read-spec.ts";
import type { Spec } from "./spec.ts";

/** What `pitaya-bot` does with a folder of specs, as a scenario: as many users of each as it asks for, each once. */
export function specScenario(path: string, world: SpecWorld): Scenario {
  const specs = readSpecs(path, world);
  const users = sum(specs.map(({ numberOfInstances }) => numberOfInstances));
  return {
    name: specs.length === 1 ? (specs[0]?.name ?? path) : path,
    once: { users },
    thresholds: { errors: 0, also: [] },
    async run(bot) {
      const spec = specOf(specs, bot.index % users);
      try {
        await playSpec(spec, bot, world);
      } catch (reason) {
        // Whatever ended it, a push that did not come or a hook, fails the run.
        if (!bot.signal.aborted) bot.check(`${spec.name} is played to its end`, false);
        throw reason;
      }
    },
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
