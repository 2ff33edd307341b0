import { type Context, context, type Span, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { type Code, publicError } from "../error/index.ts";
import { carrierOf, type TraceCarrier } from "./trace-context.ts";

/** Those that are the server's fault; the others are told to a caller who asked wrongly (OpenTelemetry, RPC spans). */
const faults: ReadonlySet<Code> = new Set([
  "unknown",
  "deadline_exceeded",
  "unimplemented",
  "internal",
  "unavailable",
  "data_loss",
]);

/** One step of a call in a trace, from its beginning to its end. */
export class CallSpan implements TraceCarrier {
  readonly traceparent: string;
  readonly tracestate: string;
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #kind: SpanKind;
  readonly #context: Context;

  constructor(tracer: Tracer, span: Span, kind: SpanKind, below: Context) {
    const { traceparent, tracestate } = carrierOf(span);
    this.traceparent = traceparent;
    this.tracestate = tracestate;
    this.#tracer = tracer;
    this.#span = span;
    this.#kind = kind;
    this.#context = trace.setSpan(below, span);
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get spanId(): string {
    return this.#span.spanContext().spanId;
  }

  /** Runs code inside: spans that it begins stand below this one, also after it has waited. */
  run<T>(code: () => T): T {
    return context.with(this.#context, code);
  }

  /** A push is sent on its way. It is no call: nobody waits for it. Gives what it carries on; undefined where nobody samples it. */
  pushed(route: string): TraceCarrier | undefined {
    const attributes = {
      "messaging.system.name": "nano",
      "messaging.operation.name": "push",
      "messaging.operation.type": "send",
      "messaging.destination.name": route,
    };
    // The handler may stand in a span of its own by now.
    const active = context.active();
    const below = trace.getSpan(active) ? active : this.#context;
    const span = this.#tracer.startSpan(`send ${route}`, { kind: SpanKind.PRODUCER, attributes }, below);
    span.end();
    const sampled = (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
    return sampled ? carrierOf(span) : undefined;
  }

  /** @param failure What the call failed with. */
  end(failure?: unknown): void {
    if (failure !== undefined) {
      const { code, message } = publicError(failure);
      this.#span.setAttributes({ "rpc.status_code": code, "error.type": code });
      if (this.#kind === SpanKind.CLIENT || faults.has(code)) this.#span.setStatus({ code: SpanStatusCode.ERROR, message });
    }
    this.#span.end();
  }
}
