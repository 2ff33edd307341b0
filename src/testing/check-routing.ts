import { seededRandom, systemClock, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { RoutedCall, RoutingFunction } from "../router/index.ts";

/** A routing function, and what it is asked. */
export interface RoutingCheck {
  readonly route: RoutingFunction;
  /** Calls as they may come, also odd ones. */
  readonly calls: readonly RoutedCall[];
  /** All servers that there may be: each call is asked for with many selections of them. */
  readonly servers: readonly ServerInfo[];
  /** How many selections. The default is 100. */
  readonly selections?: number;
  /** Names the selections. The default is 1. */
  readonly seed?: number;
  /** How long an answer may take, in milliseconds. The default is 5,000, the deadline of a call. */
  readonly stepMs?: number;
}

/**
 * Checks that a routing function keeps what is promised of one: it names one of the servers that it is given, or none, or throws a NanoError; it changes nothing that it is
 * given, and answers in time. For tests of functions of one's own, in any test runner.
 *
 * @throws {Error} What is wrong, with the call's route and the servers that there were.
 */
export async function checkRouting(check: RoutingCheck): Promise<void> {
  const { route, calls, selections = 100, seed = 1, stepMs = 5_000 } = check;
  const random = seededRandom(seed);
  const all = check.servers.map((server) => Object.freeze({ ...server })).sort((one, other) => (one.id < other.id ? -1 : 1));
  for (let at = 0; at < selections; at++) {
    // The first have all, and each alone.
    const alone = all[at - 1];
    const ready = Object.freeze(at === 0 ? all : alone ? [alone] : all.filter(() => random.next() < 0.5));
    if (ready.length === 0) continue;
    for (const call of calls) {
      const wrong = await breach(route, call, ready, stepMs);
      if (wrong !== undefined) throw new Error(`routing ${call.route} among ${ready.map(({ id }) => id).join(", ")}: ${wrong}`);
    }
  }
}

async function breach(
  route: RoutingFunction,
  call: RoutedCall,
  ready: readonly ServerInfo[],
  stepMs: number,
): Promise<string | undefined> {
  try {
    const late = (): never => {
      throw new NanoError({ code: "deadline_exceeded", message: `no answer within ${stepMs} ms` });
    };
    const asked = Promise.resolve(route(call, ready));
    const chosen = await within(systemClock, stepMs, asked, late);
    if (chosen === undefined || ready.includes(chosen)) return undefined;
    return `it names ${chosen.id}, which is none of them`;
  } catch (reason) {
    if (!(reason instanceof NanoError)) return `it throws ${reason instanceof Error ? reason.message : String(reason)}`;
    return reason.code === "deadline_exceeded" ? reason.message : undefined;
  }
}
