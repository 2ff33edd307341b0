import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import type { DeadlineSweep, Due } from "../clock/index.ts";
import { defaultTimeoutMs } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { ClientFamily } from "../handshake/index.ts";
import type { ClientInfo } from "../session/index.ts";
import type { ClientForm } from "./client-form.ts";
import type { ClientMessage } from "./client-message.ts";
import type { WholeMessage } from "./whole-message.ts";

/** A message whose route no server has. */
export interface UnknownMessage {
  readonly kind: "request" | "notify";
  readonly route: string;
  readonly family: ClientFamily;
  /** The session that it came from. */
  readonly session: { readonly id: string; readonly user: string | undefined; readonly client: ClientInfo };
  /** Reads the body. Throws NanoError `invalid_argument` where it is no such message. */
  read<S extends DescMessage>(schema: S): MessageShape<S>;
}

/** What becomes of a message without a route: it goes to another route, or is answered; undefined: `not_found`. */
export type UnknownOutcome = { readonly route: string } | WholeMessage | undefined;

/**
 * Decides what becomes of messages whose route no server has, as old clients send them. A promise has 5 s, and later messages of the
 * session do not wait for it. What it throws is the answer; whatever is no NanoError is logged, and told as `internal`.
 */
export type UnknownRoute = (message: UnknownMessage) => UnknownOutcome | Promise<UnknownOutcome>;

/** What a message with an unknown route came to. */
export type UnknownAnswer = { readonly route: string } | { readonly schema: DescMessage; readonly body: Uint8Array } | undefined;

/** One message while the application decides. Settles once: at the latest at its deadline. */
export class UnknownCall implements Due {
  readonly deadlineMs: number;
  readonly #settled: (answer: UnknownAnswer, failure: unknown) => void;
  #deadlines: DeadlineSweep | undefined;
  #over = false;

  /** @param settled Hears what it came to; `failure` is what was thrown. */
  constructor(nowMs: number, settled: (answer: UnknownAnswer, failure: unknown) => void) {
    this.deadlineMs = nowMs + defaultTimeoutMs;
    this.#settled = settled;
  }

  run(decide: UnknownRoute, message: UnknownMessage, deadlines: DeadlineSweep): void {
    try {
      const outcome = decide(message);
      if (!(outcome instanceof Promise)) return this.#settle(answerOf(outcome), undefined);
      this.#deadlines = deadlines;
      deadlines.add(this);
      outcome.then(answerOf).then(
        (answer) => this.#settle(answer, undefined),
        (reason: unknown) => this.fail(reason),
      );
    } catch (reason) {
      this.fail(reason);
    }
  }

  expire(): void {
    this.fail(new NanoError({ code: "deadline_exceeded", message: "nobody decided in time" }));
  }

  fail(reason: unknown): void {
    this.#settle(undefined, reason);
  }

  #settle(answer: UnknownAnswer, failure: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadlines?.remove(this);
    this.#settled(answer, failure);
  }
}

/** A client's message, for the application to look at. */
export function unknownMessage(
  { kind, route, body }: ClientMessage,
  { family, encoding }: ClientForm,
  session: UnknownMessage["session"],
): UnknownMessage {
  return { kind, route, family, session, read: (schema) => fromBinary(schema, encoding.decode(schema, body)) };
}

function answerOf(outcome: UnknownOutcome): UnknownAnswer {
  if (!outcome || "route" in outcome) return outcome;
  return { schema: outcome.schema, body: toBinary(outcome.schema, outcome.message) };
}
