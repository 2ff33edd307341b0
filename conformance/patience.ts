import { setTimeout as sleep } from "node:timers/promises";
import { Failed } from "./point.ts";

/** How long a server may take for what it does at once. Far more than it needs: the machine may be busy. */
export const patienceMs = 10_000;

/** Waits until something is there, and gives it. */
export async function until<T>(what: string, look: () => T | Promise<T>, waitMs = patienceMs): Promise<NonNullable<T>> {
  for (const end = Date.now() + waitMs; ; ) {
    const seen = await look();
    if (seen !== undefined && seen !== null && seen !== false) return seen;
    if (Date.now() > end) throw new Failed(`not within ${waitMs / 1_000} s: ${what}`);
    await sleep(20);
  }
}

/** What comes of a promise, if it comes in time. */
export async function soon<T>(what: string, work: Promise<T>, waitMs = patienceMs): Promise<T> {
  const giveUp = new AbortController();
  const late = sleep(waitMs, undefined, { signal: giveUp.signal }).then(() => {
    throw new Failed(`not within ${waitMs / 1_000} s: ${what}`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    giveUp.abort();
  }
}
