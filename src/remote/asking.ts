import type { Clock, DeadlineSweep, Due, Timer } from "../clock/index.ts";
import type { Caller, Scope } from "../context/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError, publicError } from "../error/index.ts";
import { callBody, type Link } from "../link/index.ts";
import { type Retries, WrongServer } from "../router/index.ts";
import type { TraceCarrier } from "../tracing/index.ts";
import type { Remotes } from "./remotes.ts";

/** What asking another server needs of the one around. */
export interface AskingHost {
  readonly self: Caller & { readonly incarnation: bigint };
  readonly remotes: Remotes;
  readonly clock: Clock;
  readonly deadlines: DeadlineSweep;
  readonly retries: Retries;
  /** Begins a call to the own server. */
  readonly soon: (begin: () => void) => void;
  /** An open link, if there is one. */
  linkOf(server: ServerInfo): Link | undefined;
  linkTo(server: ServerInfo): Promise<Link>;
}

/** What is asked, and of whom. */
export interface Question {
  readonly route: string;
  readonly idempotent: boolean;
  readonly body: Uint8Array;
  readonly scope: Scope;
  /** Where the call stands in a trace. */
  readonly trace: TraceCarrier;
  /** On the clock. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
  /** Picks a server; after a try that failed another than that one, where the rule leaves a choice. Throws where nobody is there. */
  readonly pick: (failed: ServerInfo | undefined) => ServerInfo | Promise<ServerInfo>;
  /** The key of the question has its home on a server: it has answered, or another says so. False where there is nobody to ask then. */
  readonly learn: (home: bigint) => boolean;
}

// An owned key may move once more while it is followed.
const mostMoves = 2;

/** One call from the side of the caller, over all its tries: it ends with the answer, or in time, or when the caller gives it up. */
export class Asking implements Due {
  readonly deadlineMs: number;
  readonly answer: Promise<Uint8Array>;

  readonly #host: AskingHost;
  readonly #question: Question;
  readonly #signals: readonly AbortSignal[];
  readonly #settle: PromiseWithResolvers<Uint8Array>;
  readonly #aborted = (event: Event): void => this.#giveUp(canceled((event.target as AbortSignal).reason));
  #attempt = 0;
  #over = false;
  // Tells the server that is asked.
  #breakOff: ((reason: NanoError) => void) | undefined;
  #pause: Timer | undefined;

  constructor(host: AskingHost, question: Question) {
    this.#host = host;
    this.#question = question;
    this.deadlineMs = question.deadlineMs;
    this.#settle = Promise.withResolvers();
    this.answer = this.#settle.promise;
    this.#signals = [question.scope.signal, question.signal].filter((signal) => signal !== undefined);
  }

  /** Throws where the call cannot begin: it is over, or nobody is there. */
  begin(): void {
    const { scope, pick } = this.#question;
    scope.mustLive();
    for (const signal of this.#signals) if (signal.aborted) throw canceled(signal.reason);
    if (this.deadlineMs <= this.#host.clock.now()) {
      throw new NanoError({ code: "deadline_exceeded", message: "no time is left for the call" });
    }
    const picked = pick(undefined);
    this.#host.retries.counted();
    for (const signal of this.#signals) signal.addEventListener("abort", this.#aborted, { once: true });
    this.#askPicked(picked);
  }

  expire(): void {
    this.#giveUp(new NanoError({ code: "deadline_exceeded", message: `${this.#question.route} was not answered in time` }));
  }

  #askPicked(picked: ServerInfo | Promise<ServerInfo>): void {
    if (!(picked instanceof Promise)) return this.#ask(picked);
    // Nobody else looks at the time meanwhile.
    this.#host.deadlines.add(this);
    picked.then(
      (server) => {
        this.#host.deadlines.remove(this);
        if (!this.#over) this.#ask(server);
      },
      (reason: unknown) => this.#giveUp(NanoError.from(reason)),
    );
  }

  #askAgain(failed: ServerInfo): void {
    this.#attempt++;
    try {
      this.#askPicked(this.#question.pick(failed));
    } catch (reason) {
      this.#giveUp(NanoError.from(reason));
    }
  }

  #ask(server: ServerInfo): void {
    const { self, soon, linkOf, linkTo } = this.#host;
    if (server.incarnation === self.incarnation) return soon(() => this.#here(server));
    const open = linkOf(server);
    if (open) return this.#send(server, open);
    // Nobody else looks at the time meanwhile.
    this.#host.deadlines.add(this);
    linkTo(server).then(
      (link) => {
        this.#host.deadlines.remove(this);
        this.#send(server, link);
      },
      (reason: unknown) => this.#failed(server, NanoError.from(reason), false),
    );
  }

  #here(server: ServerInfo): void {
    if (this.#over) return;
    const { remotes, self } = this.#host;
    const { route, body, scope, trace } = this.#question;
    const { hops } = scope;
    const { traceparent, tracestate } = trace;
    const info = { deadlineMs: this.deadlineMs, hops, traceparent, tracestate, attempt: this.#attempt };
    this.#breakOff = remotes.dispatch(route, body, self, info, {
      answered: (answer) => this.#answered(server, answer),
      failed: (reason) => this.#failed(server, publicError(reason), true),
    });
  }

  #send(server: ServerInfo, link: Link): void {
    if (this.#over) return;
    const { route, body, scope, trace } = this.#question;
    const { hops } = scope;
    const { traceparent, tracestate } = trace;
    const call = link.expect(this.deadlineMs, (outcome) => {
      if (outcome instanceof NanoError) this.#failed(server, outcome, begun);
      else if (outcome.case === "body") this.#answered(server, outcome.value);
      else if (outcome.case === "wrongServer") this.#failed(server, new WrongServer(outcome.value), false);
      else this.#failed(server, new NanoError({ code: "internal", message: "the answer makes no sense" }), true);
    });
    this.#breakOff = (reason) => link.cancel(call, reason);
    const remainingMs = Math.max(1, Math.floor(this.deadlineMs - this.#host.clock.now()));
    const envelope = { remainingMs, hops, traceparent, tracestate, attempt: this.#attempt };
    let begun = true;
    try {
      link.sendData(callBody(call, route, body, envelope));
    } catch (reason) {
      begun = false;
      link.forget(call, NanoError.from(reason));
    }
  }

  #answered(server: ServerInfo, body: Uint8Array): void {
    if (!this.#ends()) return;
    this.#question.learn(server.incarnation);
    this.#settle.resolve(body);
  }

  #failed(server: ServerInfo, error: NanoError, begun: boolean): void {
    if (this.#over) return;
    this.#breakOff = undefined;
    const { clock, retries, deadlines } = this.#host;
    const { idempotent, learn } = this.#question;
    if (error instanceof WrongServer) {
      if (this.#attempt < mostMoves && learn(error.home)) this.#askAgain(server);
      else this.#giveUp(error);
      return;
    }
    const remainingMs = this.deadlineMs - clock.now();
    const delayMs = retries.delayMs({ code: error.code, begun, idempotent, attempt: this.#attempt, remainingMs });
    if (delayMs === undefined) return this.#giveUp(error);
    deadlines.add(this);
    this.#pause = clock.after(delayMs, () => {
      deadlines.remove(this);
      this.#askAgain(server);
    });
  }

  #giveUp(error: NanoError): void {
    if (!this.#ends()) return;
    this.#pause?.cancel();
    this.#breakOff?.(error);
    // A handler that throws on what it caught must not send its own caller anywhere.
    this.#settle.reject(error instanceof WrongServer ? new NanoError({ code: error.code, message: error.message }) : error);
  }

  /** False where it is over already. */
  #ends(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#host.deadlines.remove(this);
    for (const signal of this.#signals) signal.removeEventListener("abort", this.#aborted);
    return true;
  }
}

function canceled(reason: unknown): NanoError {
  const error = NanoError.from(reason);
  // A deadline that passed is told as such; everything else is the caller giving up.
  if (error.code === "deadline_exceeded" || error.code === "canceled") return error;
  return new NanoError({ code: "canceled", message: error.message, cause: reason });
}
