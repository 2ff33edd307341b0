import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  ExportTraceServiceRequestSchema,
  ExportTraceServiceResponseSchema,
} from "./gen/opentelemetry/proto/collector/trace/v1/trace_service_pb.ts";
import { Span_SpanKind } from "./gen/opentelemetry/proto/trace/v1/trace_pb.ts";

/** A span as it was exported. */
export interface Exported {
  /** Of its process: "service.name". */
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly trace: string;
  readonly id: string;
  /** Empty: it has none. */
  readonly parent: string;
  readonly links: readonly string[];
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Takes what processes export by OTLP over HTTP, as a collector or Jaeger does. */
export interface Collector {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: readonly Exported[];
  stop(): Promise<void>;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Starts one on a free port. */
export async function startCollector(): Promise<Collector> {
  const spans: Exported[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      if (request.url === "/v1/traces") spans.push(...read(Buffer.concat(parts)));
      response.setHeader("content-type", "application/x-protobuf");
      response.end(toBinary(ExportTraceServiceResponseSchema, { $typeName: ExportTraceServiceResponseSchema.typeName }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // It listens on TCP.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function read(body: Uint8Array): Exported[] {
  return fromBinary(ExportTraceServiceRequestSchema, body).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = texts(resource?.attributes ?? [])["service.name"] ?? "";
    return scopeSpans
      .flatMap((scope) => scope.spans)
      .map((span) => ({
        service,
        name: span.name,
        kind: Object.entries(Span_SpanKind).find(([, kind]) => kind === span.kind)?.[0] ?? "",
        trace: hex(span.traceId),
        id: hex(span.spanId),
        parent: hex(span.parentSpanId),
        links: span.links.map((link) => hex(link.spanId)),
        failed: span.status?.code === 2,
        attributes: texts(span.attributes),
      }));
  });
}

type KeyValues = readonly {
  readonly key: string;
  readonly value?: { readonly value: { readonly value?: unknown } } | undefined;
}[];

function texts(attributes: KeyValues): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, String(value?.value.value)]));
}
