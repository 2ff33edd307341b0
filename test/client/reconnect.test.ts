import { execPath } from "node:process";
import fc from "fast-check";
import { type Client, type ClientOptions, type ClientState, createClient, type NanoError } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { describe, expect, test, vi } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { createBackoff, mayReturn } from "../../src/client/reconnect.ts";
import { createVirtualClock, type Random, seededRandom, type VirtualClock } from "../../src/clock/index.ts";
import { PacketType } from "../../src/packet/index.ts";
import { startChild } from "../support/child.ts";
import { closeOf, type FakeServer, startFakeServer, welcome } from "./fake-server.ts";

const ann = { room: "lobby", name: "ann" };
/** Waits half of what it may. */
const half: Random = { next: () => 0.5, bytes: (length) => new Uint8Array(length) };

interface Returning extends AsyncDisposable {
  readonly client: Client;
  readonly room: RoomClient;
  readonly fake: FakeServer;
  readonly clock: VirtualClock;
  readonly states: ClientState[];
  /** Resolves when the client is in a state. */
  state<N extends ClientState["name"]>(name: N): Promise<ClientState & { readonly name: N }>;
}

async function start(options: Partial<ClientOptions> = {}): Promise<Returning> {
  const fake = await startFakeServer();
  const clock = createVirtualClock();
  const transport = tcp({ host: "127.0.0.1", port: fake.port });
  const client = createClient({ encoding: "json", clock, random: half, transport, ...options });
  const states: ClientState[] = [];
  client.onState((state) => states.push(state));
  const inState = <N extends ClientState["name"]>(state: ClientState, name: N): state is ClientState & { readonly name: N } =>
    state.name === name;
  return {
    client,
    room: client.service(RoomClient),
    fake,
    clock,
    states,
    state: (name) =>
      new Promise((resolve) => {
        if (inState(client.state, name)) return resolve(client.state);
        const off = client.onState((state) => {
          if (!inState(state, name)) return;
          off();
          resolve(state);
        });
      }),
    async [Symbol.asyncDispose]() {
      await client.close();
      await fake[Symbol.asyncDispose]();
    },
  };
}

async function open(one: Returning) {
  const connecting = one.client.connect();
  const server = await one.fake.accept();
  await server.open();
  await connecting;
  return server;
}

const errorOf = (promise: Promise<unknown>): Promise<NanoError> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (reason: NanoError) => reason,
  );

describe("a client whose connection breaks", () => {
  test("comes back with a new session; what was sent is unknown, what waits goes then, in order", async () => {
    await using one = await start();
    const { client, room, clock, fake } = one;
    const server = await open(one);
    const sent = errorOf(room.join(ann));
    await server.message();
    server.close();
    const waiting = await one.state("waiting");
    expect(waiting).toMatchObject({ attempt: 0, retryInMs: 1_000, error: { code: "unavailable" } });
    expect(await sent).toMatchObject({ code: "unavailable", metadata: { outcome: "unknown" } });

    const call = room.join(ann);
    room.say({ text: "one" });
    clock.moveTo(clock.now() + 999);
    expect(client.state.name).toBe("waiting");
    clock.moveTo(clock.now() + 1);
    const again = await fake.accept();
    room.say({ text: "two" });
    await again.open({ ...welcome, sys: { ...welcome.sys, nano: { v: 1, session: "s2" } } });
    await one.state("open");
    const messages = [await again.message(), await again.message(), await again.message()];
    expect(messages.map(({ text }) => JSON.parse(text))).toEqual([ann, { text: "one" }, { text: "two" }]);
    again.answer(messages[0]?.id ?? 0, '{"members":["ann"]}');
    expect((await call).members).toEqual(["ann"]);
    // Ids go on: an answer to the old connection's request cannot be taken for one to a new.
    expect(messages[0]?.id).toBeGreaterThan(1);
    expect(one.states).toMatchObject([
      { name: "connecting", attempt: 1 },
      { name: "open", via: "first", session: "s1" },
      { name: "waiting" },
      { name: "connecting", attempt: 1 },
      { name: "open", via: "reset", session: "s2" },
    ]);
  });

  test("runs the reset handlers before what waits", async () => {
    await using one = await start();
    const { client, room, clock, fake } = one;
    const off = client.onReset(() => {
      throw new Error("never: it was removed");
    });
    off();
    client.onReset(async () => void (await room.join(ann)));
    const server = await open(one);
    server.close();
    await one.state("waiting");
    room.say({ text: "later" });
    clock.moveTo(clock.now() + 1_000);
    const again = await fake.accept();
    await again.open();
    const login = await again.message();
    expect(JSON.parse(login.text)).toEqual(ann);
    room.say({ text: "at once" });
    expect(JSON.parse((await again.message()).text)).toEqual({ text: "at once" });
    again.answer(login.id, "{}");
    expect(JSON.parse((await again.message()).text)).toEqual({ text: "later" });
  });

  test("a reset handler that fails fails what waits; one whose connection breaks again runs once more", async () => {
    const errors: unknown[] = [];
    await using one = await start({ onError: (reason) => errors.push(reason) });
    const { client, room, clock, fake } = one;
    client.onReset(async () => void (await room.join(ann)));
    (await open(one)).close();
    await one.state("waiting");
    const waits = errorOf(room.join({ room: "other", name: "ann" }, { timeoutMs: 60_000 }));
    clock.moveTo(clock.now() + 1_000);
    const second = await fake.accept();
    await second.open();
    await second.message();
    second.close();
    await one.state("waiting");
    expect(errors).toEqual([]);
    clock.moveTo(clock.now() + 2_000);
    const third = await fake.accept();
    await third.open();
    third.fail((await third.message()).id, '{"code":"unauthenticated","msg":"who are you?"}');
    expect(await waits).toMatchObject({ code: "unauthenticated" });
    expect(errors).toMatchObject([{ code: "unauthenticated" }]);
    expect(client.state.name).toBe("open");
  });

  test("a reset handler has as long as connecting has", async () => {
    const errors: unknown[] = [];
    await using one = await start({ onError: (reason) => errors.push(reason), connectTimeoutMs: 3_000 });
    one.client.onReset(() => new Promise(() => {}));
    (await open(one)).close();
    await one.state("waiting");
    const waits = errorOf(one.room.join(ann, { timeoutMs: 60_000 }));
    one.clock.moveTo(one.clock.now() + 1_000);
    await (await one.fake.accept()).open();
    await one.state("open");
    one.clock.moveTo(one.clock.now() + 3_000);
    expect(await waits).toMatchObject({ code: "deadline_exceeded" });
    expect(errors).toMatchObject([{ code: "deadline_exceeded" }]);
  });

  test.each([
    { code: "moved", returns: true },
    { code: "busy", returns: true },
    { code: "too_slow", returns: true },
    { code: "replaced", returns: false },
    { code: "permission_denied", returns: false },
    { code: "resource_exhausted", returns: false },
    { code: "cheater", returns: false },
  ])("kicked with $code it comes back: $returns", async ({ code, returns }) => {
    await using one = await start();
    const server = await open(one);
    server.kick(JSON.stringify({ code, reason: "because" }));
    if (returns) expect((await one.state("waiting")).error.message).toBe("because");
    else expect(await closeOf(one.client)).toMatchObject({ code, message: "because" });
  });

  test("a server that lets it in and drops it at once is asked less and less", async () => {
    await using one = await start();
    let server = await open(one);
    const waits: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      server.close();
      const { retryInMs } = await one.state("waiting");
      waits.push(retryInMs);
      one.clock.moveTo(one.clock.now() + retryInMs);
      server = await one.fake.accept();
      await server.open();
      await one.state("open");
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    // One that was steady for a while begins anew.
    one.clock.moveTo(one.clock.now() + 5_000);
    server.close();
    expect((await one.state("waiting")).retryInMs).toBe(1_000);
  });

  test("after its last attempt it is closed", async () => {
    await using one = await start({ reconnect: { attempts: 2, minDelayMs: 100 } });
    const server = await open(one);
    await one.fake[Symbol.asyncDispose]();
    server.close();
    expect(await one.state("waiting")).toMatchObject({ retryInMs: 50 });
    const waits = errorOf(one.room.join(ann));
    one.clock.moveTo(one.clock.now() + 50);
    await one.state("connecting");
    expect(await one.state("waiting")).toMatchObject({ attempt: 1, retryInMs: 100 });
    one.clock.moveTo(one.clock.now() + 100);
    expect(await closeOf(one.client)).toMatchObject({ kind: "lost", code: "unavailable" });
    expect(await waits).toMatchObject({ code: "unavailable", metadata: { outcome: "not_sent" } });
  });

  test("close() ends the wait", async () => {
    await using one = await start();
    (await open(one)).close();
    await one.state("waiting");
    await one.client.close();
    expect(one.client.state).toMatchObject({ name: "closed", reason: { kind: "left" } });
    expect(one.clock.nextAtMs).toBeUndefined();
  });

  test("a page that wakes tries at once, and one that slept through the server's silence notices", async () => {
    const page = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    vi.stubGlobal("document", document);
    vi.stubGlobal("addEventListener", page.addEventListener.bind(page));
    vi.stubGlobal("removeEventListener", page.removeEventListener.bind(page));
    try {
      await using one = await start({ reconnect: { minDelayMs: 20_000 } });
      (await open(one)).close();
      await one.state("waiting");
      page.dispatchEvent(new Event("online"));
      const again = await one.fake.accept();
      await again.open();
      await one.state("open");
      document.dispatchEvent(new Event("visibilitychange"));
      expect(one.client.state.name).toBe("open");
      const slept = vi.spyOn(one.clock, "now").mockReturnValue(one.clock.now() + 25_000);
      document.dispatchEvent(new Event("visibilitychange"));
      slept.mockRestore();
      expect(one.client.state).toMatchObject({ name: "waiting", error: { message: "the server fell silent" } });
    } finally {
      vi.unstubAllGlobals();
    }
  });

  test("a process with nothing but a waiting client goes on", async () => {
    await using fake = await startFakeServer();
    const child = startChild(execPath, ["--conditions=nano-source", "test/client/lonely-client.ts", String(fake.port)]);
    try {
      const server = await fake.accept();
      await server.open();
      await child.line((line) => line === "open via first");
      server.close();
      await (await fake.accept()).open();
      await child.line((line) => line === "open via reset");
    } finally {
      await child.end("SIGKILL");
    }
  });
});

describe("a server that is too busy", () => {
  test("is asked again when it said, at the first connect too", async () => {
    await using one = await start();
    const connecting = one.client.connect();
    const server = await one.fake.accept();
    await server.packet();
    const nano = { v: 1, retry: { afterMs: 5_000 } };
    server.sendPacket(PacketType.handshake, JSON.stringify({ code: 503, message: "full", sys: { nano } }));
    server.kick('{"code":"busy","reason":"full"}');
    expect(await one.state("waiting")).toMatchObject({ retryInMs: 6_000, error: { code: "unavailable", message: "full" } });
    one.clock.moveTo(one.clock.now() + 6_000);
    await (await one.fake.accept()).open();
    await connecting;
    expect(one.client.state).toMatchObject({ name: "open", via: "first" });
  });
});

describe("requests without a connection", () => {
  test("say that they were offline", async () => {
    await using one = await start({ reconnect: { minDelayMs: 30_000 } });
    (await open(one)).close();
    await one.state("waiting");
    const call = errorOf(one.room.join(ann, { timeoutMs: 1_000 }));
    one.clock.moveTo(one.clock.now() + 1_100);
    expect(await call).toMatchObject({
      code: "unavailable",
      metadata: { outcome: "not_sent" },
      message: expect.stringMatching(/^offline \(the server closed the connection\): .* within 1000 ms$/),
    });
  });

  test("there are no more than inFlight of them", async () => {
    await using one = await start({ inFlight: 2 });
    const server = await open(one);
    const calls = [one.room.join(ann), one.room.join(ann)];
    expect(await errorOf(one.room.join(ann))).toMatchObject({ code: "resource_exhausted" });
    server.answer((await server.message()).id, "{}");
    await calls[0];
    calls.push(one.room.join(ann));
    for (let at = 0; at < 2; at++) server.answer((await server.message()).id, "{}");
    await Promise.all(calls);
  });
});

test("each connect() has its own signal", async () => {
  await using one = await start();
  const [first, second] = [new AbortController(), new AbortController()];
  const outcomes = [
    errorOf(one.client.connect({ signal: first.signal })),
    one.client.connect({ signal: second.signal }),
  ] as const;
  const server = await one.fake.accept();
  first.abort();
  expect(await outcomes[0]).toMatchObject({ code: "canceled" });
  await server.open();
  await outcomes[1];
  expect(one.client.state.name).toBe("open");
});

describe("createBackoff()", () => {
  test("each wait is anywhere below a bound that doubles, and no longer than the longest", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 100_000 }), (seed, afterMs) => {
        const backoff = createBackoff(seededRandom(seed));
        for (const bound of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
          const wait = backoff.next(afterMs) ?? -1;
          expect(wait).toBeGreaterThanOrEqual(afterMs);
          expect(wait).toBeLessThan(afterMs + bound);
        }
        backoff.reset();
        expect(backoff.next()).toBeLessThan(2_000);
      }),
    );
  });

  test("a server cannot send a client away for ever", () => {
    expect(createBackoff(half).next(Number.MAX_VALUE)).toBe(601_000);
    expect(createBackoff(half).next(-5)).toBe(1_000);
  });

  test("refuses what makes no sense", () => {
    for (const wrong of [{ minDelayMs: 0 }, { minDelayMs: 5, maxDelayMs: 4 }, { attempts: 0 }, { minDelayMs: Number.NaN }]) {
      expect(() => createBackoff(half, wrong)).toThrow(RangeError);
    }
  });
});

test("who was sent away does not come back", () => {
  expect(mayReturn({ kind: "protocol", code: "internal", message: "" })).toBe(false);
  expect(mayReturn({ kind: "left", message: "" })).toBe(false);
  expect(mayReturn({ kind: "lost", message: "" })).toBe(true);
});
