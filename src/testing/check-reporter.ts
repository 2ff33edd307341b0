import { systemClock, within } from "../clock/index.ts";
import type { Sample } from "../metrics/index.ts";
import type { Reporter, ReporterHost } from "../reporter/index.ts";

/** A reporter to look at. */
export interface ReporterCheck {
  /** Not started yet. It is stopped afterwards, whatever comes out. */
  readonly reporter: Reporter;
  /** How long each step may take, in milliseconds. The default is 5,000, after which a server goes on without it. */
  readonly stepMs?: number;
}

// What labels may hold: they are the application's.
const odd = ["", 'the "lobby"', "two\nlines", "back\\slash", "a=b,c|d:e#f", "\u{1f600}", "x".repeat(300)];

/** Everything that a server counts, as it stands after so many rounds. */
function* samples(round: number): Iterable<Sample> {
  const help = "A line.";
  for (const [at, value] of odd.entries()) {
    yield { kind: "counter", name: "check_total", help, labels: { value }, value: round * at };
    yield { kind: "gauge", name: "check_now", help, labels: { value }, value: at % 2 === 0 ? -round : Number.POSITIVE_INFINITY };
  }
  yield { kind: "gauge", name: "check_nothing", help, labels: {}, value: Number.NaN };
  const buckets = [0.1, 1].map((le) => ({ le, count: round }));
  yield {
    kind: "histogram",
    name: "check_seconds",
    help,
    labels: { route: "room.room.join" },
    buckets,
    sum: round * 3,
    count: round * 2,
  };
  // Series come while a server runs.
  for (let at = 0; at < round; at++)
    yield { kind: "counter", name: "check_late_total", help, labels: { at: `${at}` }, value: round };
}

/**
 * Checks that a reporter keeps what its interface promises, as a server relies on it: start and stop in time, samples of every kind with whatever labels, a page that
 * answers while it runs and afterwards, and nothing read once it has stopped. For tests of reporters of one's own, in any test runner.
 *
 * @throws {Error} What is wrong, with the reporter's name.
 */
export async function checkReporter({ reporter, stepMs = 5_000 }: ReporterCheck): Promise<void> {
  const ticks: (() => void)[] = [];
  let round = 0;
  let reads = 0;
  const host: ReporterHost = {
    id: "check-1",
    read() {
      reads++;
      return samples(round);
    },
    every(periodMs, call) {
      if (!(periodMs > 0)) throw new Error(`it wants to be called every ${periodMs} ms`);
      ticks.push(call);
    },
    failed: () => {},
  };

  function inTime<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    const settled = Promise.resolve()
      .then(work)
      .catch((reason: unknown) => {
        throw new Error(`${what}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: reason });
      });
    return within(systemClock, stepMs, settled, () => {
      throw new Error(`${what} takes over ${stepMs} ms`);
    });
  }

  async function readPage(when: string): Promise<void> {
    if (!reporter.page) return;
    const { type, text } = await inTime(`its page, ${when},`, reporter.page.read);
    if (!type.includes("/")) throw new Error(`its page has the content type "${type}"`);
    if (typeof text !== "string") throw new Error("its page is no text");
  }

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    stopped ??= inTime("stop", () => reporter.stop());
    return stopped;
  };
  try {
    if (reporter.name === "") throw new Error("it has no name");
    if (reporter.page && !reporter.page.path.startsWith("/"))
      throw new Error(`its page is at "${reporter.page.path}": a path begins with /`);
    await inTime("start", () => reporter.start(host));
    for (round = 1; round <= 3; round++) {
      for (const tick of ticks) await inTime("what it does again and again", async () => tick());
      await readPage("while it runs");
    }
    if (reads === 0) throw new Error("it has read nothing");
    await stop();
    await readPage("after its stop");
    const before = reads;
    await new Promise<void>((resolve) => void systemClock.after(0, resolve, { keepAlive: true }));
    if (reads !== before) throw new Error("it reads by itself after its stop");
  } catch (reason) {
    throw new Error(`the reporter "${reporter.name}": ${reason instanceof Error ? reason.message : String(reason)}`, {
      cause: reason,
    });
  } finally {
    await stop().catch(() => {});
  }
}
