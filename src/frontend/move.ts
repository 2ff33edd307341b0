import { type Clock, type Random, sleep } from "../clock/index.ts";
import type { DrainTime } from "../context/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";

/** What clients are told when their server stops. They come back by themselves, and the balancer leads them elsewhere. */
export const moved = { code: "moved", reason: "the server stops: connect again" } as const satisfies Kick;

const reason = { kind: "draining", code: moved.code, message: moved.reason } as const satisfies CloseReason;

/** A session, as far as it has to go. */
export interface MovingSession {
  endWhenAnswered(reason: CloseReason): void;
  end(reason: CloseReason): Promise<void>;
}

// Where they all go, they come: a server that takes 1,000 handshakes a second takes these beside its own.
const sessionsPerSecond = 500;
const batchMs = 50;

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
  let next = 0;
  while (sessions.size > 0 && !time.signal.aborted) {
    const due = spreadMs > 0 ? ((clock.now() - beganMs + batchMs) / spreadMs) * order.length : order.length;
    next = Math.min(order.length, Math.max(next, Math.ceil(due)));
    for (const { session } of order.slice(0, next)) session.endWhenAnswered(reason);
    if (sessions.size > 0) await sleep(clock, batchMs, time.signal).catch(() => {});
  }
  await Promise.all(order.map(({ session }) => session.end(reason)));
}
