import { NanoError } from "../error/index.ts";
import { type Pace, RateLimit } from "./rate.ts";
import type { SessionHost } from "./session-host.ts";

/** How fast one session may send, in messages and in bytes. */
export class SessionPace {
  readonly #host: Pick<SessionHost, "limits" | "counters">;
  readonly #messages: RateLimit;
  readonly #bytes: RateLimit;

  constructor(host: Pick<SessionHost, "limits" | "counters" | "messageRate" | "byteRate">, nowMs: number) {
    this.#host = host;
    this.#messages = new RateLimit(host.messageRate, nowMs);
    this.#bytes = new RateLimit(host.byteRate, nowMs);
  }

  /** Whether it may send so much now. What is too much is counted. */
  judge(nowMs: number, messages: number, bytes: number): Pace {
    let limit: "messagesPerSecond" | "bytesPerSecond" = "messagesPerSecond";
    let pace = this.#messages.pace(nowMs, messages);
    if (pace === "within") {
      limit = "bytesPerSecond";
      pace = this.#bytes.pace(nowMs, bytes);
    }
    if (pace !== "within") this.#host.counters.limits[limit]++;
    return pace;
  }

  /** What a message is refused with that came too fast. */
  tooOften(): NanoError {
    const { messagesPerSecond, bytesPerSecond } = this.#host.limits;
    const message = `a session may send ${messagesPerSecond} messages and ${bytesPerSecond} bytes a second`;
    return new NanoError({ code: "resource_exhausted", message });
  }
}
