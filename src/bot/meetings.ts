import { NanoError } from "../error/index.ts";

/** Where bots wait for each other. */
export interface Meetings {
  /** Resolves for everyone when so many are there. Rejects with `canceled`. */
  meet(place: string, count: number, signal: AbortSignal): Promise<void>;
}

export function createMeetings(): Meetings {
  const places = new Map<string, Set<() => void>>();
  return {
    meet: (place, count, signal) =>
      new Promise((resolve, reject) => {
        const left = (): void => {
          waiting.delete(go);
          reject(ended());
        };
        const go = (): void => {
          signal.removeEventListener("abort", left);
          resolve();
        };
        const waiting = places.get(place) ?? new Set();
        if (signal.aborted) return left();
        places.set(place, waiting.add(go));
        signal.addEventListener("abort", left, { once: true });
        if (waiting.size < count) return;
        places.delete(place);
        for (const one of waiting) one();
      }),
  };
}

/** What a bot that has to go is told wherever it waits. */
export function ended(): NanoError {
  return new NanoError({ code: "canceled", message: "the bot's time is over" });
}
