import type { Message } from "@bufbuild/protobuf";
import { type Clock, systemClock } from "../clock/index.ts";
import type { Listen } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import { onAbort } from "./on-abort.ts";

/** Which push is waited for, and how long. */
export interface NextOptions<M extends Message> {
  readonly where?: (message: M) => boolean;
  readonly signal?: AbortSignal;
  /** The default is 5,000. */
  readonly timeoutMs?: number;
  /** The default is the machine's. */
  readonly clock?: Clock;
}

/** The next push that fits. Rejects with `deadline_exceeded` when none came in time, `canceled` when the signal aborts. */
export function next<M extends Message>(listen: Listen<M>, options: NextOptions<M> = {}): Promise<M> {
  const { where, signal, timeoutMs = 5_000, clock = systemClock } = options;
  return new Promise((resolve, reject) => {
    const over = (): void => {
      off();
      timer.cancel();
      unheard();
    };
    const aborted = (): void => {
      over();
      reject(new NanoError({ code: "canceled", message: "the wait for a push was given up", cause: signal?.reason }));
    };
    const timer = clock.after(timeoutMs, () => {
      over();
      reject(new NanoError({ code: "deadline_exceeded", message: `no push came within ${timeoutMs} ms` }));
    });
    const off = listen((message) => {
      if (where && !where(message)) return;
      over();
      resolve(message);
    });
    const unheard = onAbort(signal, aborted);
    if (signal?.aborted) aborted();
  });
}
