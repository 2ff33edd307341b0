import { type Random, seededRandom } from "../clock/index.ts";
import { checkPromises } from "./check-promises.ts";
import { lineOf } from "./seen.ts";
import { createTestCluster, type TestCluster, type TestClusterOptions } from "./test-cluster.ts";

/** One test, as one seed has it. */
export interface SeededTest {
  readonly seed: number;
  /** Empty, and written down. */
  readonly cluster: TestCluster;
  /** For what the test itself chooses: the same for the same seed. */
  readonly random: Random;
}

/** Which seeds are played, and what they do. */
export interface SeedsOptions {
  readonly seeds: Iterable<number>;
  /** What differs of the cluster of each seed. */
  readonly cluster?: Omit<TestClusterOptions, "seed">;
  /** Starts servers, connects clients, has them do something while `cluster.trouble` has its way. What it throws is a failure of the seed. */
  play(test: SeededTest): Promise<void>;
  /** What else must hold when all is over; one line for each thing that is wrong. The default is nothing. */
  check?(test: SeededTest): Iterable<string>;
  /**
   * How long is waited when the clients are gone, until every session must be over. The default is 65,000: a client that has vanished is noticed after 25 s,
   * and what it may come back to is kept for 30 s more.
   */
  readonly goneMs?: number;
  /** How somebody plays one seed alone, as "SEED=7 npx vitest run test/seeds.test.ts". */
  alone(seed: number): string;
  /** Hears of each failure, with all that was seen, before the next seed is played. The default is nobody. */
  failed?(seed: number, wrong: readonly string[], trace: readonly string[]): void;
}

// How long is waited when a test is done: a server that is away is given up after 5 s.
const restMs = 7_000;
// Of the first failure; the rest is by `failed`.
const shownLines = 60;
const shownWrong = 10;

/**
 * Plays a test once for each seed, each in a cluster of its own on virtual time, and checks what was seen (`checkPromises`). The same seed does the same again.
 *
 * @throws {Error} Which seeds failed, what is wrong, how to play each alone, and the end of what was seen of the first.
 */
export async function playSeeds(options: SeedsOptions): Promise<void> {
  const failures: string[] = [];
  for (const seed of options.seeds) {
    const { wrong, trace } = await playSeed(seed, options);
    if (wrong.length === 0) continue;
    options.failed?.(seed, wrong, trace);
    const shown = [
      ...wrong.slice(0, shownWrong),
      ...(wrong.length > shownWrong ? [`and ${wrong.length - shownWrong} more`] : []),
    ];
    const lines = [`seed ${seed} (alone: ${options.alone(seed)})`, ...shown.map((line) => `  ${line}`)];
    if (failures.length === 0) lines.push("  the end of what was seen:", ...trace.slice(-shownLines));
    failures.push(lines.join("\n"));
  }
  if (failures.length > 0) throw new Error(`${failures.length} of the seeds failed\n${failures.join("\n")}`);
}

async function playSeed(
  seed: number,
  { cluster: clusterOptions, play, check, goneMs = 65_000 }: SeedsOptions,
): Promise<{ readonly wrong: readonly string[]; readonly trace: readonly string[] }> {
  const cluster = createTestCluster({ record: {}, ...clusterOptions, seed });
  // Not the cluster's own: what the test chooses is to hang on the seed alone.
  const test: SeededTest = { seed, cluster, random: seededRandom(seed ^ 0x5eed) };
  const wrong: string[] = [];
  try {
    await play(test);
    await cluster.advance(restMs);
    await cluster.closeClients();
    await cluster.advance(goneMs);
    wrong.push(...checkPromises(cluster.seen), ...(check?.(test) ?? []));
    await cluster.stop();
  } catch (reason) {
    wrong.push(`threw ${reason instanceof Error ? (reason.stack ?? reason.message) : reason}`);
    await cluster.stop().catch((worse: unknown) => wrong.push(`and did not stop: ${worse}`));
  }
  return { wrong, trace: wrong.length > 0 ? cluster.seen.map(lineOf) : [] };
}
