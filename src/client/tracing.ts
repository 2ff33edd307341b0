import { type TracerProvider, trace } from "@opentelemetry/api";
import { createTracing } from "../tracing/index.ts";
import type { ClientTracing } from "./client-tracing.ts";

export type { ClientSpan, ClientTracing } from "./client-tracing.ts";

/**
 * Spans of a client by OpenTelemetry, below whatever span is active where a call is made.
 *
 * @param options.tracerProvider Where they go. The default is the provider that is registered globally.
 */
export function openTelemetry(options: { readonly tracerProvider?: TracerProvider } = {}): ClientTracing {
  const tracing = createTracing({ tracerProvider: options.tracerProvider ?? trace.getTracerProvider() });
  const nowhere = { traceparent: "", tracestate: "" };
  return { begin: (method) => tracing.asking(method, nowhere) };
}
