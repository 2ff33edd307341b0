// What a process of a benchmark has used, told when it is asked for by a line on stdin.
import { createInterface } from "node:readline";

/** What a process has used. */
export interface Usage {
  /** User and system, since it began. */
  readonly cpuUs: number;
  readonly rssBytes: number;
}

/** What this process has used so far. */
export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssBytes: process.memoryUsage.rss() };
}

/** Answers each line "usage" with one, after what garbage there is has been collected (where node runs with --expose-gc). */
export function answerUsage(): void {
  const { gc } = globalThis as { readonly gc?: () => void };
  let collectingUs = 0;
  const collect = (): void => {
    const before = usage().cpuUs;
    gc?.();
    collectingUs += usage().cpuUs - before;
  };
  createInterface({ input: process.stdin }).on("line", async (line) => {
    if (line !== "usage") return;
    // What the first finds dead is given back to the system after the second.
    collect();
    await new Promise((resolve) => setTimeout(resolve, 100));
    collect();
    const now = usage();
    // What was collected because somebody asked is nothing that the server had to do.
    console.log(`usage ${JSON.stringify({ ...now, cpuUs: now.cpuUs - collectingUs })}`);
  });
}
