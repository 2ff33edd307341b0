import { type Module, moduleKey } from "nano-rpc";
import { createClient } from "redis";

/** Scores that outlive the server. */
export interface Scores {
  /** Adds points, and gives what the user has then. */
  add(user: string, points: number): Promise<number>;
  /** The best first. */
  best(count: number): Promise<readonly { readonly user: string; readonly points: number }[]>;
}

/** What handlers find them by: `ctx.module(scoresKey)`. */
export const scoresKey = moduleKey<Scores>("scores");

/** Scores in Redis. A Redis that cannot be reached ends the start of the server; one that goes away later fails calls, and is come back to. */
export function scores(url: string): Module<Scores> {
  const redis = createClient({ url, disableOfflineQueue: true, commandOptions: { timeout: 1_000 } });
  let started = false;
  return {
    key: scoresKey,
    timeoutMs: 5_000,
    async init({ log }) {
      const failed = new Promise<never>((_resolve, reject) => {
        redis.on("error", (reason: unknown) => {
          if (started) log.warn({ err: reason }, "Redis is away");
          else reject(reason);
        });
      });
      await Promise.race([redis.connect(), failed]);
      started = true;
      return {
        add: (user, points) => redis.zIncrBy("scores", points, user),
        async best(count) {
          const all = await redis.zRangeWithScores("scores", 0, count - 1, { REV: true });
          return all.map(({ value, score }) => ({ user: value, points: score }));
        },
      };
    },
    shutdown: () => redis.close(),
  };
}
