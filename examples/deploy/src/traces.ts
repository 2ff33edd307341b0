import { env } from "node:process";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { detectResources, envDetector } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { type Module, moduleKey, type ServerOptions } from "nano-rpc";

/** Exports what a server traces by OTLP, and the rest of it when the server ends. */
const exporting: Module<TracerProvider> = {
  key: moduleKey<TracerProvider>("traces"),
  timeoutMs: 3_000,
  init() {
    const provider = new TracerProvider({
      resource: detectResources({ detectors: [envDetector] }),
      sampler: samplerOf(env["OTEL_TRACES_SAMPLER"], Number(env["OTEL_TRACES_SAMPLER_ARG"] ?? 1)),
      // It reads the variables OTEL_EXPORTER_OTLP_* by itself.
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
    });
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    return provider;
  },
  shutdown: (provider) => provider.shutdown(),
};

/**
 * Traces where OTEL_EXPORTER_OTLP_ENDPOINT says where to, and nothing where it does not. OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER and
 * OTEL_TRACES_SAMPLER_ARG mean what OpenTelemetry says.
 */
export const traces: Pick<ServerOptions, "tracing" | "modules"> =
  env["OTEL_EXPORTER_OTLP_ENDPOINT"] === undefined ? {} : { tracing: {}, modules: [exporting] };

function samplerOf(name = "parentbased_always_on", share: number): Sampler {
  if (name.startsWith("parentbased_"))
    return new ParentBasedSampler({ root: samplerOf(name.slice("parentbased_".length), share) });
  switch (name) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(share);
    default:
      throw new TypeError(
        `OTEL_TRACES_SAMPLER is "${name}": there are always_on, always_off, traceidratio, each also as parentbased_...`,
      );
  }
}
