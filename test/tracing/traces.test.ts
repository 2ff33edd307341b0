import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { type ClientOptions, type ClientSpan, createClient, webSocket } from "nano-rpc/client";
import { openTelemetry } from "nano-rpc/client/tracing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { type Child, startChild } from "../support/child.ts";
import { type Etcd, startEtcd } from "../support/etcd.ts";
import { type Collector, type Exported, startCollector } from "./collector.ts";

let etcd: Etcd;
let collector: Collector;
const children: Child[] = [];
const program = new URL("traced-server.ts", import.meta.url).pathname;

/** Each is a process; gives where clients come in. */
async function start(role: string): Promise<string> {
  const child = startChild(process.execPath, ["--conditions=nano-source", program, role, etcd.endpoint], {
    OTEL_SERVICE_NAME: role,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  });
  children.push(child);
  return (await child.line((line) => line.startsWith("ready"), 60_000)).slice("ready ".length);
}

async function ask(address: string, word: string, options: Partial<ClientOptions> = {}): Promise<void> {
  const client = createClient({ transport: webSocket(`ws://${address}`), ...options });
  await client.connect();
  await client
    .service(DeskClient)
    .do({ word }, { timeoutMs: 20_000 })
    .catch(() => {});
  await client.close();
}

/** The spans of one trace, when all have come. */
function exported(count: number, trace: () => string | undefined): Promise<readonly Exported[]> {
  return vi.waitFor(
    () => {
      const spans = collector.spans.filter((span) => span.trace === trace());
      expect(spans).toHaveLength(count);
      return spans;
    },
    { timeout: 20_000 },
  );
}

/** A tree as lines: each span below its parent, with the process it comes from. */
function tree(spans: readonly Exported[], parent: string, depth = 0): string[] {
  return spans
    .filter((span) => span.parent === parent)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((span) => [
      `${"  ".repeat(depth)}${span.service}: ${span.name} (${span.kind})${span.failed ? " failed" : ""}`,
      ...tree(spans, span.id, depth + 1),
    ]);
}

function whole(gate: string): string[] {
  return [
    `${gate}: ask.v1.DeskService/Do (SERVER)`,
    `  ${gate}: ask.v1.DeskService/Do (CLIENT)`,
    "    desk: ask.v1.DeskService/Do (SERVER)",
    "      desk: play.v1.WhoService/Any (CLIENT)",
    "        who: play.v1.WhoService/Any (SERVER)",
    // To the session, to a group, to a user: each goes to the gate in a frame of its own.
    ...[1, 2, 3].flatMap(() => [
      "      desk: send play.play.told (PRODUCER)",
      `        ${gate}: deliver play.play.told (CONSUMER)`,
    ]),
  ];
}

let gate = "";
let friends = "";

beforeAll(async () => {
  etcd = await startEtcd();
  collector = await startCollector();
  [gate, friends] = await Promise.all([start("gate"), start("gate-of-friends"), start("desk"), start("who")]);
}, 120_000);

afterAll(async () => {
  await Promise.all(children.map((child) => child.end("SIGKILL")));
  await collector?.stop();
  await etcd?.stop();
});

describe("traces over processes", () => {
  test("a message, its handler elsewhere, what that asks and what it pushes are one tree below the client's own span", async () => {
    const exporter = new InMemorySpanExporter();
    const tracerProvider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    await ask(friends, "hello", { tracing: openTelemetry({ tracerProvider }) });
    const [own] = exporter.getFinishedSpans();
    const { traceId, spanId = "none" } = own?.spanContext() ?? {};
    const spans = await exported(11, () => traceId);
    expect(own?.name).toBe("ask.v1.DeskService/Do");
    expect(tree(spans, spanId)).toEqual(whole("gate-of-friends"));
    expect(spans.find((span) => span.service === "who")?.attributes).toEqual({
      "rpc.system.name": "nano",
      "rpc.method": "play.v1.WhoService/Any",
    });
  });

  test("the trace of a client that is nobody's friend is linked to", async () => {
    const tracing = openTelemetry({ tracerProvider: new TracerProvider() });
    let sent = "";
    const begin = (method: string): ClientSpan | undefined => {
      const span = tracing.begin(method);
      sent = span?.traceparent ?? "";
      return span;
    };
    await ask(gate, "hello", { tracing: { begin } });
    const [, trace, id = "none"] = sent.split("-");
    const root = (): Exported | undefined => collector.spans.find((span) => span.links.includes(id));
    const spans = await exported(11, () => root()?.trace);
    expect(tree(spans, "")).toEqual(whole("gate"));
    expect(root()?.trace).not.toBe(trace);
    expect(root()?.attributes["session.id"]).toMatch(/^[0-9a-f]{32}$/);
  });

  test("a client that says nothing has a trace all the same; what fails says so, with its code", async () => {
    await ask(gate, "break");
    const broken = (): Exported | undefined => collector.spans.find((span) => span.name === "play.v1.WhoService/Break");
    const spans = await exported(13, () => broken()?.trace);
    const failed = spans.filter((span) => span.failed);
    expect(failed.map(({ service, name, kind }) => `${service}: ${name} ${kind}`).sort()).toEqual([
      "desk: ask.v1.DeskService/Do SERVER",
      "desk: play.v1.WhoService/Break CLIENT",
      "gate: ask.v1.DeskService/Do CLIENT",
      "gate: ask.v1.DeskService/Do SERVER",
      "who: play.v1.WhoService/Break SERVER",
    ]);
    expect(new Set(failed.map((span) => span.attributes["error.type"]))).toEqual(new Set(["internal"]));
  });

  test("a push that no call makes is a trace of its own: of the timer that a handler has set, through the frontend that delivers it", async () => {
    const client = createClient({ transport: webSocket(`ws://${gate}`) });
    const told: string[] = [];
    client.service(PlayClient).onTold(({ text }) => told.push(text));
    await client.connect();
    await client.service(DeskClient).do({ word: "later" }, { timeoutMs: 20_000 });
    await vi.waitFor(() => expect(told).toHaveLength(4), { timeout: 20_000 });
    await client.close();
    const root = (): Exported | undefined =>
      collector.spans.find((span) => span.name === "send play.play.told" && span.parent === "");
    const spans = await exported(2, () => root()?.trace);
    expect(tree(spans, "")).toEqual(["desk: send play.play.told (PRODUCER)", "  gate: deliver play.play.told (CONSUMER)"]);
    expect(root()?.attributes).toEqual({
      "messaging.system.name": "nano",
      "messaging.operation.name": "send",
      "messaging.operation.type": "send",
      "messaging.destination.name": "play.play.told",
    });
  });
});
