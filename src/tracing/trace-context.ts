import {
  type Context,
  createTraceState,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from "@opentelemetry/api";

/** A place in a trace, as W3C Trace Context writes it: https://www.w3.org/TR/trace-context/ */
export interface TraceCarrier {
  /** Empty: no trace. */
  readonly traceparent: string;
  readonly tracestate: string;
}

/** Whether a carrier names a place in a trace that is sampled. */
export function isSampled({ traceparent }: TraceCarrier): boolean {
  return sampled.test(traceparent);
}

// The last bit of its flags.
const sampled = /^00-.*[13579bdf]$/;
const version00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
// W3C asks for 512 characters to be passed on; nobody has to pass on more.
const longestState = 512;

/** The place that a carrier names; undefined where it names none, whatever it is instead. */
export function spanContextOf({ traceparent, tracestate }: TraceCarrier): SpanContext | undefined {
  if (traceparent === "") return undefined;
  const [, traceId = "", spanId = "", flags = ""] = version00.exec(traceparent) ?? [];
  const named: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  if (!isSpanContextValid(named)) return undefined;
  const keepsState = tracestate !== "" && tracestate.length <= longestState;
  return keepsState ? { ...named, traceState: createTraceState(tracestate) } : named;
}

/** A context below that place. */
export function contextBelow(parent: SpanContext | undefined): Context {
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

/** What carries a span's place on. */
export function carrierOf(span: Span): TraceCarrier {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  const flags = traceFlags.toString(16).padStart(2, "0");
  return { traceparent: `00-${traceId}-${spanId}-${flags}`, tracestate: traceState?.serialize() ?? "" };
}
