// One process of a crew: plays its share of what it is told to, and tells what it sees.
import { systemClock, systemRandom } from "../clock/index.ts";
import type { Order, Word } from "./crew.ts";
import { ended, type Meetings } from "./meetings.ts";
import { clientOf, scenarioOf } from "./plan.ts";
import { playShare, type Share } from "./play-share.ts";
import type { Scenario } from "./scenario.ts";

const end = new AbortController();
const waiting = new Map<number, () => void>();
let met = 0;
let begin: (() => Promise<void>) | undefined;

function tell(word: Word): void {
  if (process.connected) process.send?.(word);
}

// Whoever has called both ends this one, when it is through.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => {});
process.once("disconnect", () => process.exit(1));

/** Where bots of all processes meet: whoever leads knows. */
const meetings: Meetings = {
  meet: (place, count, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(ended());
      const id = met++;
      const left = (): void => {
        waiting.delete(id);
        tell({ is: "left", id });
        reject(ended());
      };
      waiting.set(id, () => {
        waiting.delete(id);
        signal.removeEventListener("abort", left);
        resolve();
      });
      signal.addEventListener("abort", left, { once: true });
      tell({ is: "meet", id, place, count });
    }),
};

async function playOwn(scenario: Scenario, share: Share, of: ReturnType<typeof clientOf>): Promise<void> {
  await playShare(scenario, {
    ...{ share, clientOf: of, meetings, signal: end.signal, clock: systemClock, random: systemRandom },
    told: (tally) => tell({ is: "tally", tally }),
  });
  leave();
}

function leave(): void {
  const word: Word = { is: "over" };
  process.send?.(word, undefined, undefined, () => process.exit(0));
}

process.on("message", async (order: Order) => {
  if (order.is === "plan") {
    const scenario = await scenarioOf(order.plan);
    const of = clientOf(order.plan);
    begin = () => playOwn(scenario, order.share, of);
    tell({ is: "ready" });
  } else if (order.is === "go") await begin?.();
  else if (order.is === "met") waiting.get(order.id)?.();
  else end.abort();
});
