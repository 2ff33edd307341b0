import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { createClient as createCaller } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SpanKind } from "@opentelemetry/api";
import { AlwaysOffSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { createServer, sessionHooks, silentLogger, webSocket } from "nano-rpc";
import { next } from "nano-rpc/client";
import { createTestCluster } from "nano-rpc/testing";
import { describe, expect, test } from "vitest";
import { SessionService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { PlayPush } from "../schema/gen/play/v1/play_nano.ts";
import { playServices } from "../server/play.ts";

/** A server's spans, for a test to look at. */
function kept(options: { readonly off?: boolean } = {}) {
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new TracerProvider({
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
    ...(options.off ? { sampler: new AlwaysOffSampler() } : {}),
  });
  const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
  return { tracing: { tracerProvider }, named, all: () => exporter.getFinishedSpans() };
}

/** A client is told something by a server of its own kind, behind a frontend. */
async function told(gate: ReturnType<typeof kept>, play: ReturnType<typeof kept> | undefined): Promise<void> {
  await using cluster = createTestCluster();
  await cluster.start({ id: "gate", frontend: true, log: silentLogger, tracing: gate.tracing });
  const { services } = playServices(async () => {});
  await cluster.start({ id: "play", services, log: silentLogger, ...(play ? { tracing: play.tracing } : {}) });
  const client = (await cluster.connect("gate")).service(PlayClient);
  const heard = next(client.onTold);
  await client.enter({ user: "ann", roles: [] });
  await client.tell({ times: 1 });
  expect((await heard).text).toBe("1");
}

const deliver = "deliver play.play.told";

describe("a push that another server delivers", () => {
  test("stands below the span in which it was sent", async () => {
    const [gate, play] = [kept(), kept()];
    await told(gate, play);
    const [sent] = play.named("send play.play.told");
    const [delivered] = gate.named(deliver);
    expect(delivered?.kind).toBe(SpanKind.CONSUMER);
    expect(delivered?.parentSpanContext?.spanId).toBe(sent?.spanContext().spanId);
    expect(delivered?.spanContext().traceId).toBe(sent?.spanContext().traceId);
    expect(delivered?.attributes["messaging.destination.name"]).toBe("play.play.told");
  });

  test("stands below the call where its sender does not trace: that hands on what it was given", async () => {
    const gate = kept();
    await told(gate, undefined);
    const [delivered] = gate.named(deliver);
    const forwarded = gate.named("play.v1.PlayService/Tell").find((span) => span.kind === SpanKind.CLIENT);
    expect(delivered?.parentSpanContext?.spanId).toBe(forwarded?.spanContext().spanId);
  });

  test("begins a trace where no call makes it: a server's own push to a user, and that of a session hook", async () => {
    const [gate, play] = [kept(), kept()];
    await using cluster = createTestCluster();
    await cluster.start({ id: "gate", frontend: true, log: silentLogger, tracing: gate.tracing });
    const { services } = playServices(async () => {});
    const sessions = [sessionHooks(EmptySchema, { onBind: (session) => session.push(PlayPush.told, { text: "hook" }) })];
    const server = await cluster.start({ id: "play", services, sessions, log: silentLogger, tracing: play.tracing });
    const client = (await cluster.connect("gate")).service(PlayClient);
    const heard = next(client.onTold);
    await client.enter({ user: "ann", roles: [] });
    expect((await heard).text).toBe("hook");
    expect(await server.users("ann").deliver(PlayPush.told, { text: "server" })).toEqual({ missed: [] });
    const sent = play.named("send play.play.told");
    expect(sent.map((span) => span.parentSpanContext)).toEqual([undefined, undefined]);
    const parents = gate.named(deliver).map((span) => span.parentSpanContext?.spanId);
    expect(parents).toEqual(sent.map((span) => span.spanContext().spanId));
  });

  test("begins none where no call makes it and nobody samples it", async () => {
    const [gate, play] = [kept(), kept({ off: true })];
    await using cluster = createTestCluster();
    await cluster.start({ id: "gate", frontend: true, log: silentLogger, tracing: gate.tracing });
    const { services } = playServices(async () => {});
    const server = await cluster.start({ id: "play", services, log: silentLogger, tracing: play.tracing });
    const client = (await cluster.connect("gate")).service(PlayClient);
    await client.enter({ user: "ann", roles: [] });
    await server.users("ann").deliver(PlayPush.told, { text: "server" });
    expect([...play.all(), ...gate.named(deliver)]).toEqual([]);
  });

  test("carries nothing in a trace that nobody samples", async () => {
    // It would begin a trace of its own, were there a place to stand in.
    const [gate, play] = [kept(), kept({ off: true })];
    await told(gate, play);
    expect(gate.named("play.v1.PlayService/Tell")).toHaveLength(2);
    expect(gate.named(deliver)).toEqual([]);
    expect(play.all()).toEqual([]);
  });

  test("is in no trace, like the call before it, where the first server samples none", async () => {
    const [gate, play] = [kept({ off: true }), kept()];
    await told(gate, play);
    expect([...gate.all(), ...play.all()]).toEqual([]);
  });

  test("without a link says where it stands by headers, and what is refused says why", async () => {
    const gate = kept();
    const { services } = playServices(async () => {});
    const server = createServer({
      acceptors: [webSocket({ port: 0 })],
      cluster: {},
      services,
      log: silentLogger,
      tracing: gate.tracing,
    });
    await server.start();
    try {
      const caller = createCaller(SessionService, createGrpcTransport({ baseUrl: `http://${server.addresses["cluster"]}` }));
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      const push = { route: "play.play.told", body: new Uint8Array(0) };
      await caller.pushGroup({ group: { name: "everybody" }, ...push }, { headers: { traceparent } });
      const session = { session: new Uint8Array(16), capability: new Uint8Array(32) };
      await expect(caller.push({ session, ...push }, { headers: { traceparent } })).rejects.toThrow();
      const delivered = gate.named(deliver);
      expect(delivered.map((span) => span.attributes["error.type"])).toEqual([undefined, "permission_denied"]);
      for (const span of delivered) expect(span.parentSpanContext?.spanId).toBe("00f067aa0ba902b7");
    } finally {
      await server.stop();
    }
  });
});
