import { createDistribution, type Distribution } from "./distribution.ts";

/** How the calls of one method fared on a server. */
export interface CallCounter {
  /** From the moment in which a call's turn had come to its answer, in seconds. */
  readonly seconds: Distribution;
  /** Of a client's messages: from their arrival on this server to their turn, in seconds. */
  readonly queueSeconds: Distribution;
  /** How many were not answered but refused or failed, by the code of the error. */
  readonly failed: ReadonlyMap<string, number>;
  ended(seconds: number): void;
  failedWith(code: string): void;
}

// Those of OpenTelemetry for calls, with two below them: most handlers take less than 5 ms.
const bounds = [0.0005, 0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Nothing yet, in buckets that suit calls. */
export function createCallSeconds(): Distribution {
  return createDistribution(bounds);
}

/** No call yet. */
export function createCallCounter(): CallCounter {
  const seconds = createCallSeconds();
  const failed = new Map<string, number>();
  return {
    seconds,
    queueSeconds: createCallSeconds(),
    failed,
    ended: (took) => seconds.observe(took),
    failedWith: (code) => void failed.set(code, (failed.get(code) ?? 0) + 1),
  };
}
