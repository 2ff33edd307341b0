import { create, toBinary } from "@bufbuild/protobuf";
import type { End } from "../../gen/nano/cluster/v1/link_pb.ts";
import { BoundRequestSchema, ClosedRequestSchema } from "../../gen/nano/cluster/v1/session_pb.ts";
import type { Clock } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { Outcome } from "../link/index.ts";
import type { PlainCalls } from "./plain-calls.ts";
import type { PlainSession } from "./plain-session.ts";

/** What the news are told by. */
export interface SessionNewsOptions {
  readonly clock: Clock;
  readonly calls: PlainCalls;
  /** What every call shows, which has to be answered by then. */
  readonly headers: (deadlineMs: number) => Record<string, string>;
  /** A connection to the server: the one that is there, or another. */
  readonly connect: () => Promise<unknown>;
  /** Whether nothing is told any more. */
  readonly closed: () => boolean;
}

const boundPath = "/nano.cluster.v1.SessionEventsService/Bound";
const closedPath = "/nano.cluster.v1.SessionEventsService/Closed";
// The session's next message waits for it.
const boundTimeoutMs = 2_000;
const endTimeoutMs = 5_000;
const endAgainMs = 200;

/** Tells a server that is called plainly what becomes of sessions: calls of its events, for as long as it wants to hear of them. */
export class SessionNews {
  readonly #options: SessionNewsOptions;
  #hearsOfUsers = true;
  #hearsOfEnds = true;

  constructor(options: SessionNewsOptions) {
    this.#options = options;
  }

  /** Who has a session is another now. The server is told before the next message of the session, once, and who has it then. */
  bound(session: PlainSession): void {
    if (!this.#hearsOfUsers || session.tellsUser) return;
    session.tellsUser = true;
    session.takeNext({ begin: (over) => this.#tellUser(session, over) });
  }

  #tellUser(session: PlainSession, over: () => void): boolean {
    const { clock, calls, headers } = this.#options;
    session.tellsUser = false;
    const { id, user, roles } = session;
    const deadlineMs = clock.now() + boundTimeoutMs;
    const body = toBinary(BoundRequestSchema, create(BoundRequestSchema, { session: id, user, roles: [...roles] }));
    const call = calls.expect(deadlineMs, (told) => {
      if (told instanceof NanoError && told.code === "unimplemented") this.#hearsOfUsers = false;
    });
    return calls.send({ call, path: boundPath, body, headers: () => headers(deadlineMs), over });
  }

  /** Nothing of a session comes any more. Tells it again for a while where the server cannot be reached; resolves when that is over. */
  async ended(session: PlainSession, reason: End["reason"]): Promise<void> {
    if (!this.#hearsOfEnds) return;
    const { clock, calls, headers, connect, closed } = this.#options;
    const deadlineMs = clock.now() + endTimeoutMs;
    const body = toBinary(
      ClosedRequestSchema,
      create(ClosedRequestSchema, { session: session.id, ...(reason ? { reason } : {}) }),
    );
    const tell = (): Promise<Outcome | NanoError> =>
      new Promise((resolve) => {
        const call = calls.expect(deadlineMs, resolve);
        // After what is under way.
        session.take({ begin: (over) => calls.send({ call, path: closedPath, body, headers: () => headers(deadlineMs), over }) });
      });
    for (;;) {
      const told = await connect().then(tell, (error: unknown) => NanoError.from(error));
      if (told instanceof NanoError && told.code === "unimplemented") this.#hearsOfEnds = false;
      const again = told instanceof NanoError && told.code === "unavailable" && !closed();
      if (!again || clock.now() + endAgainMs >= deadlineMs) return;
      await new Promise<void>((resolve) => void clock.after(endAgainMs, resolve));
    }
  }
}
