import { type Context, context, type Link, SpanKind, SpanStatusCode, type TracerProvider, trace } from "@opentelemetry/api";
import { publicError } from "../error/index.ts";
import { CallSpan } from "./call-span.ts";
import { contextBelow, spanContextOf, type TraceCarrier } from "./trace-context.ts";

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

/** Begins the spans of one server. */
export interface Tracing {
  /** A client's message has come. @param method As "chat.v1.RoomService/Join". @param from The client's own place in a trace. */
  received(method: string, from: TraceCarrier | undefined, session: string): CallSpan;
  /** A call of another server is answered here. */
  answering(method: string, from: TraceCarrier): CallSpan;
  /** A call goes out, below the span that is active where it is made, or else below its carrier. */
  asking(method: string, from: TraceCarrier): CallSpan;
  /** A client's message goes over a link, whatever is active there: messages of others may be. */
  forwarding(method: string, from: TraceCarrier): CallSpan;
  /** A push of another server is put in the logs of its sessions. What `work` throws is thrown. */
  delivering<T>(route: string, from: TraceCarrier, work: () => T): T;
}

const instrumentation = "nano-rpc";

/** Makes it. */
export function createTracing({ tracerProvider, clients = "link" }: TracingOptions): Tracing {
  const tracer = (tracerProvider ?? trace).getTracer(instrumentation);

  function begin(
    method: string,
    kind: SpanKind,
    below: Context,
    more?: { readonly links?: Link[]; readonly session?: string },
  ): CallSpan {
    const attributes = {
      "rpc.system.name": "nano",
      "rpc.method": method,
      ...(more?.session === undefined ? {} : { "session.id": more.session }),
    };
    const span = tracer.startSpan(method, { kind, attributes, links: more?.links ?? [] }, below);
    return new CallSpan(tracer, span, kind, below);
  }

  return {
    received(method, from, session) {
      const client = from && clients !== "ignore" ? spanContextOf(from) : undefined;
      const links = client && clients === "link" ? [{ context: client }] : [];
      return begin(method, SpanKind.SERVER, contextBelow(clients === "parent" ? client : undefined), { links, session });
    },
    answering: (method, from) => begin(method, SpanKind.SERVER, contextBelow(spanContextOf(from))),
    asking(method, from) {
      // The code that asks may stand in a span of its own.
      const active = context.active();
      return begin(method, SpanKind.CLIENT, trace.getSpan(active) ? active : contextBelow(spanContextOf(from)));
    },
    forwarding: (method, from) => begin(method, SpanKind.CLIENT, contextBelow(spanContextOf(from))),
    delivering(route, from, work) {
      const attributes = {
        "messaging.system.name": "nano",
        "messaging.operation.name": "deliver",
        "messaging.operation.type": "process",
        "messaging.destination.name": route,
      };
      const below = contextBelow(spanContextOf(from));
      const span = tracer.startSpan(`deliver ${route}`, { kind: SpanKind.CONSUMER, attributes }, below);
      try {
        return work();
      } catch (reason) {
        const { code, message } = publicError(reason);
        span.setAttribute("error.type", code).setStatus({ code: SpanStatusCode.ERROR, message });
        throw reason;
      } finally {
        span.end();
      }
    },
  };
}
