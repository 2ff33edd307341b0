import type { KitOptions } from "./options.ts";
import { soon } from "./patience.ts";
import { type Point, Skipped } from "./point.ts";
import { points } from "./points/index.ts";
import { openStand, type Stand } from "./stand.ts";

/** What came of a point. */
export interface Result {
  readonly name: string;
  readonly says: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed, or was skipped. */
  readonly why?: string;
}

// Whatever a point waits for ends before.
const pointMs = 90_000;

/**
 * Looks at one point after the other. Throws Failed where there is no server to look at, and TypeError where `only` names no point.
 *
 * @param told Each result, as soon as it is there.
 */
export async function runKit(options: KitOptions, told: (result: Result) => void = () => {}): Promise<readonly Result[]> {
  const unknown = options.only.find((one) => !points.some(({ name }) => belongs(name, one)));
  if (unknown !== undefined) throw new TypeError(`there is no point ${unknown}`);
  const chosen = points.filter(({ name }) => options.only.length === 0 || options.only.some((one) => belongs(name, one)));
  const stand = await openStand(options);
  const results: Result[] = [];
  try {
    for (const point of chosen) {
      const result = await look(point, stand);
      stand.hangUp();
      results.push(result);
      told(result);
    }
  } finally {
    await stand.close();
  }
  return results;
}

function belongs(name: string, to: string): boolean {
  return name === to || name.startsWith(`${to}.`);
}

async function look(point: Point, stand: Stand): Promise<Result> {
  const { name, says } = point;
  try {
    await soon("the point is through", point.check(stand), pointMs);
    return { name, says, outcome: "passed" };
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    return { name, says, outcome: reason instanceof Skipped ? "skipped" : "failed", why };
  }
}
