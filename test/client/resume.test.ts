import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Step } from "nano-rpc";
import { type Client, type ClientState, createClient, type NanoError } from "nano-rpc/client";
import type { ClientService, Init, Listen } from "nano-rpc/client/codegen";
import { tcp } from "nano-rpc/client/tcp";
import { afterEach, describe, expect, test } from "vitest";
import { RoomMethod, RoomPush } from "../../examples/chat/gen/chat/v1/chat_nano.ts";
import {
  type JoinRequest,
  type JoinResponse,
  type SaidResponse,
  SaidResponseSchema,
  type SayRequest,
} from "../../examples/chat/gen/chat/v1/chat_pb.ts";
import type { ClientHome } from "../../src/frontend/client-home.ts";
import type { SessionCore } from "../../src/session/index.ts";
import { type EdgeOptions, type EdgeServer, startEdge } from "../frontend/edge-server.ts";
import { type Cut, type CuttingProxy, cuttingProxy } from "./cutting-proxy.ts";

interface Edge {
  echo(request: Init<JoinRequest>): Promise<JoinResponse>;
  hold(request: Init<JoinRequest>): Promise<JoinResponse>;
  again(request: Init<JoinRequest>): Promise<JoinResponse>;
  login(request: Init<JoinRequest>): Promise<JoinResponse>;
  say(message: Init<SayRequest>): void;
  readonly onSaid: Listen<SaidResponse>;
}

const { input, output } = RoomMethod.join;
const request = { kind: "request", input, output, timeoutMs: 20_000 } as const;
const EdgeClient: ClientService<Edge> = {
  codegen: 1,
  kind: "client",
  service: "edge.v1.Edge",
  methods: {
    echo: { ...request, route: "a.b" },
    hold: { ...request, route: "edge.hold" },
    again: { ...request, route: "edge.hold", idempotent: true },
    login: { ...request, route: "edge.login" },
    say: { kind: "notify", route: "edge.say", input: RoomMethod.say.input },
    said: { kind: "push", route: "edge.said", output: RoomPush.said.output },
  },
};

let edge: EdgeServer;
let proxy: CuttingProxy;
let client: Client;
let service: Edge;
let states: string[];
let heard: string[];

async function start(options: EdgeOptions = {}, next?: () => Cut | undefined): Promise<void> {
  edge = await startEdge({
    limits: { messagesPerSecond: Number.POSITIVE_INFINITY, bytesPerSecond: Number.POSITIVE_INFINITY },
    ...options,
  });
  proxy = await cuttingProxy(edge.tcp, next);
  states = [];
  heard = [];
  client = createClient({
    transport: tcp({ host: "127.0.0.1", port: proxy.port }),
    reconnect: { minDelayMs: 10, maxDelayMs: 20 },
  });
  client.onState((state) => states.push(named(state)));
  service = client.service(EdgeClient);
  service.onSaid(({ text }) => heard.push(text));
}

function named(state: ClientState): string {
  if (state.name !== "open") return state.name;
  return `open ${state.via}${state.reset === undefined ? "" : ` ${state.reset}`}`;
}

afterEach(async () => {
  await client.close();
  await proxy[Symbol.asyncDispose]();
  await edge[Symbol.asyncDispose]();
});

/** Cuts the connection, and gives when the client is back. */
async function cutAndBack(): Promise<void> {
  const opened = states.filter((state) => state.startsWith("open")).length;
  proxy.cut();
  await expect.poll(() => states.filter((state) => state.startsWith("open")).length).toBeGreaterThan(opened);
}

function failure(promise: Promise<unknown>): Promise<NanoError> {
  return promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (reason: NanoError) => reason,
  );
}

describe("a client that is cut off", () => {
  test("comes back to its session: what was asked is answered, what was said is heard, once", async () => {
    await start();
    await client.connect();
    await service.login({ name: "ann" });
    const held = service.hold({ name: "held" });
    service.say({ text: "1" });
    await expect.poll(() => edge.held).toBe(1);
    await cutAndBack();
    service.say({ text: "2" });
    edge.release();
    expect((await held).members).toEqual(["held"]);
    await expect.poll(() => heard).toEqual(["1", "2"]);
    expect(states).toEqual(["connecting", "open first", "waiting", "connecting", "open resume"]);
    expect(edge.server.counters.frontend?.resumes.resumed).toBe(1);
  });

  test("sends what was called meanwhile, in order, when it is back", async () => {
    await start();
    await client.connect();
    proxy.refuse(true);
    proxy.cut();
    await expect.poll(() => client.state.name).not.toBe("open");
    for (let at = 0; at < 10; at++) service.say({ text: `${at}` });
    const echo = service.echo({ room: "r" });
    proxy.refuse(false);
    expect((await echo).members).toEqual(["r", ""]);
    expect(heard).toEqual(Array.from({ length: 10 }, (_, at) => `${at}`));
  });

  test("gets a new session where the old one is over: what was under way has an unknown outcome, and idempotent requests go again once", async () => {
    const homes: unknown[] = [];
    await start({ sessions: [{ attach: ({ home }) => void homes.push(home) }] });
    await client.connect();
    const resets: string[] = [];
    const logins = Promise.withResolvers<void>();
    client.onReset(async (why) => {
      resets.push(why);
      await service.login({ name: "ann" });
      await logins.promise;
    });
    const held = failure(service.hold({ name: "once" }));
    const again = service.again({ name: "again" });
    await expect.poll(() => edge.held).toBe(2);
    proxy.refuse(true);
    proxy.cut();
    await expect.poll(() => edge.server.counters.frontend?.paused).toBe(1);
    // What happens where a link between servers has lost pushes.
    for (const home of homes) (home as ClientHome).session.missedPushes();
    service.say({ text: "queued" });
    proxy.refuse(false);
    expect(await held).toMatchObject({ code: "unavailable", metadata: { outcome: "unknown" } });
    await expect.poll(() => resets).toEqual(["gap"]);
    // What waits goes when the reset handler is through.
    await service.echo({ room: "r" });
    expect(heard).toEqual([]);
    logins.resolve();
    await expect.poll(() => heard).toEqual(["queued"]);
    await expect.poll(() => edge.held).toBe(3);
    edge.release();
    expect((await again).members).toEqual(["again"]);
    expect(states.at(-1)).toBe("open reset gap");
  });

  test("sends what waited once, idempotent or not: over a connection that breaks at it, and over a reset, when the handlers are through", async () => {
    const ran: string[] = [];
    const homes: unknown[] = [];
    const count: Step = (call, next) => {
      ran.push((call.message as JoinRequest).room);
      return next(call);
    };
    const cuts: (Cut | undefined)[] = [undefined];
    await start({ pipeline: [count], sessions: [{ attach: ({ home }) => void homes.push(home) }] }, () => cuts.shift());
    await client.connect();
    await service.echo({ room: "first" });
    proxy.refuse(true);
    proxy.cut();
    await expect.poll(() => client.state.name).not.toBe("open");
    const waited = service.echo({ room: "over a resume" });
    // Handshakes get through, and a part of what comes behind them.
    cuts.push({ up: 400, down: 10_000 }, { up: 10_000, down: 420 });
    proxy.refuse(false);
    expect((await waited).members[0]).toBe("over a resume");
    await expect.poll(() => client.state.name).toBe("open");
    proxy.refuse(true);
    proxy.cut();
    await expect.poll(() => client.state.name).not.toBe("open");
    for (const home of homes) (home as ClientHome).session.missedPushes();
    const later = service.echo({ room: "over a reset" });
    client.onReset(async () => void (await service.echo({ room: "the reset handler" })));
    proxy.refuse(false);
    expect((await later).members[0]).toBe("over a reset");
    expect(ran).toEqual(["first", "over a resume", "the reset handler", "over a reset"]);
  });

  test("whose reset handler asks while the connection is broken once more: it is answered when that is back, before what waits for it", async () => {
    const ran: string[] = [];
    const homes: ClientHome[] = [];
    const count: Step = (call, next) => {
      ran.push((call.message as JoinRequest).room);
      return next(call);
    };
    await start({ pipeline: [count], sessions: [{ attach: ({ home }) => void homes.push(home as ClientHome) }] });
    await client.connect();
    await service.echo({ room: "first" });
    const away = async (): Promise<void> => {
      const paused = edge.server.counters.frontend?.paused ?? 0;
      proxy.refuse(true);
      proxy.cut();
      await expect.poll(() => client.state.name).not.toBe("open");
      await expect.poll(() => edge.server.counters.frontend?.paused).toBe(paused + 1);
    };
    const handler = Promise.withResolvers<void>();
    client.onReset(async () => {
      await away();
      const asked = service.echo({ room: "the reset handler" });
      proxy.refuse(false);
      await asked;
      handler.resolve();
    });
    await away();
    homes[0]?.session.missedPushes();
    const waits = service.echo({ room: "waits" });
    proxy.refuse(false);
    await handler.promise;
    await waits;
    expect(ran).toEqual(["first", "the reset handler", "waits"]);
    expect(states.slice(-3)).toEqual(["waiting", "connecting", "open resume"]);
  });

  test("says goodbye when it is closed", async () => {
    const closed: string[] = [];
    await start({ sessions: [{ attach: (core) => void core.listen({ closed: ({ kind }) => void closed.push(kind) }) }] });
    await client.connect();
    await service.echo({});
    await client.close();
    await expect.poll(() => closed).toEqual(["left"]);
    expect(edge.server.counters.frontend?.paused).toBe(0);
  });

  test("hears what it was pushed and the kick that it missed, and stays away", async () => {
    const cores: SessionCore[] = [];
    await start({ sessions: [{ attach: (core) => void cores.push(core) }] });
    await client.connect();
    await service.echo({});
    proxy.refuse(true);
    proxy.cut();
    await expect.poll(() => edge.server.counters.frontend?.paused).toBe(1);
    const body = toBinary(SaidResponseSchema, create(SaidResponseSchema, { text: "last words" }));
    cores[0]?.push({ route: "edge.said", body, delivery: "replay" });
    cores[0]?.kick({ code: "banned", reason: "enough" });
    // What it says meanwhile comes too late, and is no breach.
    const late = failure(service.echo({}));
    proxy.refuse(false);
    await expect.poll(() => client.state).toMatchObject({ name: "closed", reason: { code: "banned", message: "enough" } });
    expect(heard).toEqual(["last words"]);
    expect(await late).toMatchObject({ code: "unavailable" });
    expect(edge.server.counters.frontend?.violations).toBe(0);
  });
});

test("whatever byte connections are cut at, either way: requests are answered once and run once, notifies and pushes come once and in order", async () => {
  const step = fc.record({ up: fc.integer({ min: 150, max: 1_500 }), down: fc.integer({ min: 150, max: 1_500 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (cuts) => {
      const ran = new Map<string, number>();
      const count: Step = (call, next) => {
        const { room } = call.message as JoinRequest;
        if (room) ran.set(room, (ran.get(room) ?? 0) + 1);
        return next(call);
      };
      const left = [...cuts];
      await start({ pipeline: [count] }, () => left.shift());
      try {
        // The first connection may be cut before it was ever open.
        while (client.state.name !== "open") await client.connect().catch(() => {});
        const names = Array.from({ length: 40 }, (_, at) => `${at}`);
        const answers = await Promise.all(
          names.map(async (name) => {
            service.say({ text: name });
            const { members } = await service.echo({ room: name });
            return members[0];
          }),
        );
        expect(answers).toEqual(names);
        await expect.poll(() => heard.length).toBe(names.length);
        expect(heard).toEqual(names);
        expect([...ran.values()]).toEqual(names.map(() => 1));
        expect(states.filter((state) => state.includes("reset"))).toEqual([]);
      } finally {
        await client.close();
        await proxy[Symbol.asyncDispose]();
        await edge[Symbol.asyncDispose]();
      }
    }),
    { numRuns: 25 },
  );
  await start();
});
