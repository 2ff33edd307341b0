import { type Clock, type Random, sleep } from "../clock/index.ts";
import type { DrainTime } from "../context/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";

/** What clients are told when their server stops. They come back by themselves, and the balancer leads them elsewhere. */
export const moved = { code: "moved", reason: "the server stops: connect again" } as const satisfies Kick;

const reason = { kind: "draining", code: moved.code, message: moved.reason } as const satisfies CloseReason;

/** A session, as far as it has to go. */
export interface MovingSession {
  /** At the next moment at which no message of the client waits for an answer. @param deaf Whether it takes no more of them until then. */
  endWhenAnswered(reason: CloseReason, deaf: boolean): void;
  end(reason: CloseReason): Promise<void>;
}

// Where they all go, they come: a server that takes 1,000 handshakes a second takes these beside its own.
const sessionsPerSecond = 500;
const batchMs = 50;
// How long a client that asks and asks may take to come to an end by itself.
const patienceMs = 2_000;

/** How long it takes to let so many go: at most half of the time that is left, so that there is some for what they wait for. */
export function moveMs(sessions: number, leftMs: number): number {
  return Math.min((sessions / sessionsPerSecond) * 1_000, leftMs / 2);
}

/**
 * Lets sessions go, in batches and in no order, each when its messages are answered; at the end of the time all that are left. Resolves when all have
 * ended, and their close callbacks have run on every server.
 */
export async function moveSessions(
  sessions: ReadonlyMap<string, MovingSession>,
  time: DrainTime,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<void> {
  const order = [...sessions.values()].map((session) => ({ session, at: random.next() })).sort((one, other) => one.at - other.at);
  const spreadMs = moveMs(order.length, time.leftMs);
  const beganMs = clock.now();
  while (sessions.size > 0 && !time.signal.aborted) {
    const sinceMs = clock.now() - beganMs;
    for (const [at, { session }] of order.entries()) {
      const dueMs = (at / order.length) * spreadMs;
      if (dueMs > sinceMs) break;
      session.endWhenAnswered(reason, sinceMs - dueMs >= patienceMs);
    }
    if (sessions.size > 0) await sleep(clock, batchMs, time.signal).catch(() => {});
  }
  await Promise.all(order.map(({ session }) => session.end(reason)));
}
