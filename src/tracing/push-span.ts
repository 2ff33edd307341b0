import { type Context, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { publicError } from "../error/index.ts";
import { carrierOf, isSampled, type TraceCarrier } from "./trace-context.ts";

/** As OpenTelemetry names spans of messages: what is done, and whereto. */
function attributesOf(route: string, operation: "send" | "deliver"): Record<string, string> {
  return {
    "messaging.system.name": "nano",
    "messaging.operation.name": operation,
    "messaging.operation.type": operation === "send" ? "send" : "process",
    "messaging.destination.name": route,
  };
}

/** A push is sent on its way: nobody waits for it, so it is a moment. Gives what it carries on; undefined where nobody samples it. */
export function sendSpan(tracer: Tracer, route: string, below: Context): TraceCarrier | undefined {
  const span = tracer.startSpan(`send ${route}`, { kind: SpanKind.PRODUCER, attributes: attributesOf(route, "send") }, below);
  span.end();
  const carrier = carrierOf(span);
  return isSampled(carrier) ? carrier : undefined;
}

/** A push is put where it belongs. What `work` throws is thrown. */
export function deliverSpan<T>(tracer: Tracer, route: string, below: Context, work: () => T): T {
  const attributes = attributesOf(route, "deliver");
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
}
