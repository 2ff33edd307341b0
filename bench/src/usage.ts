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
  createInterface({ input: process.stdin }).on("line", async (line) => {
    if (line !== "usage") return;
    // What the first finds dead is given back to the system after the second.
    gc?.();
    await new Promise((resolve) => setTimeout(resolve, 100));
    gc?.();
    console.log(`usage ${JSON.stringify(usage())}`);
  });
}
