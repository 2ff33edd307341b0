import { isPublic, NanoError, publicError } from "../error/index.ts";
import type { Stage } from "../metrics/index.ts";
import type { KnownRoute } from "../router/index.ts";
import type { ClientForm } from "./client-form.ts";
import type { ClientMessage } from "./client-message.ts";
import type { ClientSession } from "./client-session.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Incoming, shapeRefusal } from "./incoming.ts";
import { MethodLimits } from "./method-limits.ts";
import { type UnknownAnswer, UnknownCall, type UnknownRoute, unknownMessage } from "./unknown-route.ts";

/** What one session's messages pass before they are sent anywhere: their routes are looked up, their limits checked, their bodies made protobuf. */
export class Intake {
  readonly #session: ClientSession;
  readonly #host: DispatchHost;
  readonly #dispatcher: Dispatcher;
  readonly #methods = new MethodLimits();
  // Made when it is needed, which few sessions do.
  #unknown: Set<UnknownCall> | undefined;

  constructor(session: ClientSession, host: DispatchHost, dispatcher: Dispatcher) {
    this.#session = session;
    this.#host = host;
    this.#dispatcher = dispatcher;
  }

  /** Messages whose route the application decides about. */
  get pending(): number {
    return this.#unknown?.size ?? 0;
  }

  receive(message: ClientMessage, form: ClientForm): void {
    const host = this.#host;
    const known = host.findRoute(message.route);
    const asks = !known && message.route !== "" && host.unknownRoute;
    const refusal = asks ? undefined : shapeRefusal(message, known);
    if (refusal) return this.#refuse(message, refusal, "route");
    if (this.#dispatcher.pending + this.pending >= host.limits.inFlight) {
      host.counters.limits.inFlight++;
      const full = new NanoError({
        code: "resource_exhausted",
        message: `over ${host.limits.inFlight} messages wait for an answer`,
      });
      return this.#refuse(message, full, "limit");
    }
    if (asks) this.#decide(asks, message, form);
    else if (known) this.#take(known, message, form);
  }

  #decide(decide: UnknownRoute, message: ClientMessage, form: ClientForm): void {
    const call = new UnknownCall(this.#host.now(), (answer, failure) => {
      this.#unknown?.delete(call);
      this.#decided(message, form, answer, failure);
    });
    this.#unknown ??= new Set();
    this.#unknown.add(call);
    const { id, user, client } = this.#session.core;
    call.run(decide, unknownMessage(message, form, { id, user, client }), this.#host.deadlines);
  }

  #decided(message: ClientMessage, form: ClientForm, answer: UnknownAnswer, failure: unknown): void {
    if (failure !== undefined) {
      if (!isPublic(failure)) this.#host.handlerFailed(message.route, failure);
      return this.#refuse(message, publicError(failure), "route");
    }
    if (answer && "body" in answer) {
      if (message.kind === "request") this.#session.outbox.answerAs(message.id, message.route, answer.schema, answer.body);
      return;
    }
    const known = answer && this.#host.findRoute(answer.route);
    const refusal = shapeRefusal(message, known);
    if (known && !refusal) this.#take(known, message, form);
    else this.#refuse(message, refusal, "route");
  }

  #take(known: KnownRoute, message: ClientMessage, { encoding }: ClientForm): void {
    const host = this.#host;
    // By its own route, whatever the client called it: a method has one limit.
    const { policy, route } = known.info;
    const pace = policy.limit ? this.#methods.pace(route, policy.limit, message.atMs) : "within";
    if (policy.limit && pace !== "within") {
      host.counters.limits.methodLimit++;
      const often = `${route} may be called ${policy.limit.perSecond} times a second`;
      this.#refuse(message, new NanoError({ code: "resource_exhausted", message: often }), "limit");
      if (pace === "abuse") this.#session.abused(route);
      return;
    }
    let body: Uint8Array | undefined;
    if (!encoding.plain) {
      try {
        body = encoding.decode(known.info.input, message.body);
      } catch (reason) {
        return this.#refuse(message, NanoError.from(reason), "validate");
      }
    }
    if (policy.maxBytes !== undefined && (body?.length ?? message.to - message.from) > policy.maxBytes) {
      host.counters.limits.methodBytes++;
      const large = `${route} takes at most ${policy.maxBytes} bytes`;
      return this.#refuse(message, new NanoError({ code: "resource_exhausted", message: large }), "limit");
    }
    const dispatcher = this.#dispatcher;
    const incoming = new Incoming(message, known, body, message.atMs + policy.timeoutMs, dispatcher);
    if (host.tracing) incoming.span = host.tracing.received(known.info.path.slice(1), message.trace, this.#session.id);
    dispatcher.send(incoming);
  }

  /** The session is over: nobody waits for a decision. */
  stop(reason: NanoError): void {
    for (const call of [...(this.#unknown ?? [])]) call.fail(reason);
  }

  #refuse(message: ClientMessage, error: NanoError | undefined, stage: Stage): void {
    if (error) this.#session.outbox.refuse(message, error, stage);
  }
}
