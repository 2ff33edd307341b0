import { type Context, context, type Span, SpanKind, SpanStatusCode, TraceFlags, type Tracer, trace } from "@opentelemetry/api";
import { type Code, publicError } from "../error/index.ts";
import { sendSpan } from "./push-span.ts";
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
  readonly #tracer: Tracer;
  readonly #span: Span;
  readonly #kind: SpanKind;
  readonly #below: Context;
  // Made when first asked for: most calls of a trace that nobody samples need neither.
  #carrier: TraceCarrier | undefined;
  #context: Context | undefined;

  constructor(tracer: Tracer, span: Span, kind: SpanKind, below: Context) {
    this.#tracer = tracer;
    this.#span = span;
    this.#kind = kind;
    this.#below = below;
  }

  get traceparent(): string {
    return this.#place().traceparent;
  }
  get tracestate(): string {
    return this.#place().tracestate;
  }

  /** Whether somebody will see it. What stands below one that nobody sees is not seen either: it is decided once. */
  get isSeen(): boolean {
    return isSeen(this.#span);
  }

  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  get spanId(): string {
    return this.#span.spanContext().spanId;
  }

  /** Runs code inside: spans that it begins stand below this one, also after it has waited. */
  run<T>(code: () => T): T {
    return context.with(this.#inside(), code);
  }

  /** A push is sent on its way. Gives what it carries on; undefined where nobody samples it. */
  pushed(route: string): TraceCarrier | undefined {
    // The handler may stand in a span of its own by now.
    const active = context.active();
    const own = trace.getSpan(active);
    if (!isSeen(own ?? this.#span)) return undefined;
    return sendSpan(this.#tracer, route, own ? active : this.#inside());
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

  #place(): TraceCarrier {
    this.#carrier ??= carrierOf(this.#span);
    return this.#carrier;
  }

  #inside(): Context {
    this.#context ??= trace.setSpan(this.#below, this.#span);
    return this.#context;
  }
}

/** Whether anybody will see a span, or what stands below it: those of a trace that is not sampled are dropped, unless an SDK keeps them for itself. */
export function isSeen(span: Span): boolean {
  return (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0 || span.isRecording();
}
