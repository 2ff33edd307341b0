import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Cluster, type Member, startCluster, until } from "./cluster.ts";
import type { Asked, Kind } from "./history.ts";
import type { Load } from "./load.ts";

/** One promise, and what was seen of it. */
export interface Line {
  readonly line: string;
  readonly seen: string;
  readonly limit: string;
  readonly held: boolean;
  /** It is a matter of time: asserted on a quiet machine only. */
  readonly timed: boolean;
}

/** How a scenario is run. */
export interface Pace {
  readonly leaseMs: number;
  /** How often everything is restarted in turn. */
  readonly rounds: number;
  /** Where whole histories are written as JSON. Unset: nowhere. */
  readonly keepIn?: string | undefined;
}

/** One kind of fault. */
export interface Scenario {
  readonly name: string;
  /** Why it cannot be run here; unset where it can. */
  readonly unfit?: string | undefined;
  run(stage: Stage): Promise<void>;
}

/** What a scenario is given. */
class Stage {
  readonly lines: Line[] = [];
  readonly pace: Pace;
  readonly #what: string;
  readonly #clusters: Cluster[] = [];
  readonly #ends: (() => unknown)[] = [];

  constructor(what: string, pace: Pace) {
    this.#what = what;
    this.pace = pace;
  }

  /** A new cluster with one gate, unless it says otherwise, and some ledgers. */
  async cluster(): Promise<Cluster> {
    const cluster = await startCluster({ leaseMs: this.pace.leaseMs });
    this.#clusters.push(cluster);
    return cluster;
  }

  /** What a count or an order was, and whether it is as promised. */
  says(line: string, seen: string | number, limit: string, held: boolean): void {
    this.lines.push({ line: `${this.#what}: ${line}`, seen: `${seen}`, limit, held, timed: false });
  }

  took(line: string, ms: number, limitMs: number): void {
    const [seen, limit] = [`${Math.round(ms)} ms`, `${limitMs} ms`];
    this.lines.push({ line: `${this.#what}: ${line}`, seen, limit, held: ms <= limitMs, timed: true });
  }

  /** Ends the loads, and holds everything that was seen against what is promised at all times. */
  async judge(cluster: Cluster): Promise<void> {
    const history = await cluster.history();
    const { asked, heard, violations, resets } = history;
    if (this.pace.keepIn !== undefined) {
      mkdirSync(this.pace.keepIn, { recursive: true });
      writeFileSync(join(this.pace.keepIn, `${this.#what.replaceAll(" ", "-")}.json`), JSON.stringify(history));
    }
    const failed = asked.filter(({ outcome }) => outcome !== "ok").length;
    const all = `${asked.length} requests (${failed} failed), ${heard.length} pushes, ${resets} sessions made anew`;
    const shown = violations.length === 0 ? "" : `: ${violations.slice(0, 5).join("; ")}`;
    this.says("history", `${all}, ${violations.length} wrong${shown}`, "0 wrong", violations.length === 0);
    const fallen = cluster.fallen();
    this.says("servers that ended by themselves", fallen.join(", ") || 0, "0", fallen.length === 0);
  }

  /** Done at the end, when the clusters are gone; the last first. */
  atEnd(end: () => unknown): void {
    this.#ends.unshift(end);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clusters.map((cluster) => cluster.stop()));
    for (const end of this.#ends) await end();
  }
}

/** Runs one, and gives its lines. One that cannot go on is a line that is not held. */
export async function play(scenario: Scenario, pace: Pace): Promise<readonly Line[]> {
  const stage = new Stage(scenario.name, pace);
  try {
    await scenario.run(stage);
  } catch (reason) {
    stage.says("went through", `${reason}`, "to the end", false);
  } finally {
    await stage.close();
  }
  return stage.lines;
}

/**
 * Requests of some kinds that failed and ended after a moment. Those of clients that ask for everything in turn are left out: they wait for what their
 * client has asked before, of whatever kind, and say nothing of their own.
 */
export function failures(asked: readonly Asked[], kinds: readonly Kind[], fromMs = 0): readonly Asked[] {
  return asked.filter(
    ({ client, kind, outcome, endedMs = Number.POSITIVE_INFINITY }) =>
      kinds.includes(kind) && outcome !== "ok" && endedMs >= fromMs && !client.includes("mixed"),
  );
}

/** How long after a moment the last of some failures ended; 0 where there are none. */
export function lastFailureMs(failed: readonly Asked[], fromMs: number): number {
  return failed.reduce((most, { endedMs = fromMs }) => Math.max(most, endedMs - fromMs), 0);
}

/** Failures by their codes, as "unavailable 3". */
export function codesOf(failed: readonly Asked[]): string {
  const counts = new Map<string, number>();
  for (const { outcome = "open" } of failed) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(", ") || "0";
}

export const everyKind: readonly Kind[] = ["any", "keyed", "owned", "stuck"];

/** Waits until every key has its home, and a server, if one is named, has answered requests of every kind. */
export async function settled(load: Load, server?: Member): Promise<void> {
  await until("every key has its home, and everything was answered once", 30_000, () => {
    const answered = load.asked.filter(({ outcome }) => outcome === "ok");
    const homes = new Set(answered.filter(({ kind }) => kind === "owned").map(({ key }) => key));
    const kinds = new Set(answered.filter((one) => !server || one.server === server.name).map(({ kind }) => kind));
    return load.keys.every((key) => homes.has(key)) && everyKind.every((kind) => kinds.has(kind));
  });
}

/** Lets the load run. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
