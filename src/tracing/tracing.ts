import {
  type Context,
  context,
  isSpanContextValid,
  type Link,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { CallSpan, isSeen } from "./call-span.ts";
import { deliverSpan, sendSpan } from "./push-span.ts";
import { contextBelow, isSampled, spanContextOf, type TraceCarrier } from "./trace-context.ts";

/** How a server traces: by OpenTelemetry, whose SDK is the application's to choose and to start. */
export interface TracingOptions {
  /** Where spans go. The default is the provider that is registered globally. */
  readonly tracerProvider?: TracerProvider;
  /**
   * What becomes of the trace that a client says its message is part of. "parent": the server's spans are part of it, and sampled as the client
   * wants: for clients that are one's own. "link": they are a trace of their own that points to it. "ignore": nothing. The default is "link".
   */
  readonly clients?: "parent" | "link" | "ignore";
}

/**
 * Begins the spans of one server. Undefined where there is nobody to see any: the application has started no SDK. In a trace that is not sampled no span is begun
 * below the first: what comes back only carries that place on.
 */
export interface Tracing {
  /** A client's message has come. @param method As "chat.v1.RoomService/Join". @param from The client's own place in a trace. */
  received(method: string, from: TraceCarrier | undefined, session: string): CallSpan | undefined;
  /** A call of another server is answered here. */
  answering(method: string, from: TraceCarrier): CallSpan | undefined;
  /** A call goes out, below the span that is active where it is made, or else below its carrier. */
  asking(method: string, from: TraceCarrier): CallSpan | undefined;
  /** A client's message goes over a link, whatever is active there: messages of others may be. */
  forwarding(method: string, from: CallSpan): CallSpan | undefined;
  /**
   * A push that no call makes is sent on its way: below the span that is active where it is made, or as the root of a trace of its own. Gives what it carries on;
   * undefined where nobody samples it.
   */
  sending(route: string): TraceCarrier | undefined;
  /** A push of another server is put in the logs of its sessions. What `work` throws is thrown. */
  delivering<T>(route: string, from: TraceCarrier, work: () => T): T;
  /** Runs what is no part of the call that has led to it, as a timer that a handler has set: what it begins are traces of their own. */
  apart<T>(code: () => T): T;
}

const instrumentation = "nano-rpc";

/** Makes it. */
export function createTracing({ tracerProvider, clients = "link" }: TracingOptions): Tracing {
  const provider = tracerProvider ?? trace.getTracerProvider();
  let found: Tracer | undefined;

  /** Undefined while the application has not registered a provider: it may do so after it has made the server. */
  function tracer(): Tracer | undefined {
    found ??=
      provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(instrumentation) : provider.getTracer(instrumentation);
    return found;
  }

  function begin(
    method: string,
    kind: SpanKind,
    below: Context,
    more?: { readonly links?: Link[]; readonly session?: string },
  ): CallSpan | undefined {
    const by = tracer();
    if (!by) return undefined;
    const attributes = {
      "rpc.system.name": "nano",
      "rpc.method": method,
      ...(more?.session === undefined ? {} : { "session.id": more.session }),
    };
    const span = by.startSpan(method, { kind, attributes, links: more?.links ?? [] }, below);
    // A provider that does nothing gives one that is in no trace.
    return isSpanContextValid(span.spanContext()) ? new CallSpan(by, span, kind, below) : undefined;
  }

  /** Begins a span below a place, or only carries the place on, where nobody will see what stands below it. */
  function beginBelow(method: string, kind: SpanKind, from: TraceCarrier): CallSpan | undefined {
    if (!tracer()) return undefined;
    const parent = spanContextOf(from);
    return parent && !isSampled(from) ? carrying(parent, kind) : begin(method, kind, contextBelow(parent));
  }

  function carrying(place: SpanContext, kind: SpanKind): CallSpan | undefined {
    const by = tracer();
    return by && new CallSpan(by, trace.wrapSpanContext(place), kind, ROOT_CONTEXT);
  }

  return {
    received(method, from, session) {
      if (!tracer()) return undefined;
      const client = from && clients !== "ignore" ? spanContextOf(from) : undefined;
      const links = client && clients === "link" ? [{ context: client }] : [];
      return begin(method, SpanKind.SERVER, contextBelow(clients === "parent" ? client : undefined), { links, session });
    },
    answering: (method, from) => beginBelow(method, SpanKind.SERVER, from),
    asking(method, from) {
      if (!tracer()) return undefined;
      // The code that asks may stand in a span of its own.
      const active = context.active();
      const span = trace.getSpan(active);
      if (!span) return beginBelow(method, SpanKind.CLIENT, from);
      return isSeen(span) ? begin(method, SpanKind.CLIENT, active) : carrying(span.spanContext(), SpanKind.CLIENT);
    },
    forwarding: (method, from) => (from.isSeen ? begin(method, SpanKind.CLIENT, contextBelow(spanContextOf(from))) : undefined),
    sending(route) {
      const by = tracer();
      if (!by) return undefined;
      const active = context.active();
      const span = trace.getSpan(active);
      return span && !isSeen(span) ? undefined : sendSpan(by, route, active);
    },
    delivering(route, from, work) {
      const by = tracer();
      return by ? deliverSpan(by, route, contextBelow(spanContextOf(from)), work) : work();
    },
    apart: (code) => context.with(ROOT_CONTEXT, code),
  };
}
