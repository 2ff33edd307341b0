import { createJsonLogger, createServer, NanoError, type Server, silentLogger } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AskRemote } from "../schema/gen/ask/v1/ask_nano.ts";
import { type Act, type Asked, askServices, never } from "./ask.ts";

let cluster: TestCluster;
let asked: Asked[];
let act: Act;
let servers: Map<string, Server>;

async function start(ids: readonly string[], latencyMs = 0): Promise<void> {
  cluster = createTestCluster({ latencyMs });
  for (const id of ids) {
    const services = askServices(id, (one) => {
      asked.push(one);
      return act(one);
    });
    servers.set(id, await cluster.start({ id, services }));
  }
}

function server(id: string): Server {
  const found = servers.get(id);
  if (!found) throw new TypeError(`no server ${id}`);
  return found;
}

beforeEach(() => {
  asked = [];
  act = () => {};
  servers = new Map();
});
afterEach(() => cluster?.stop());

describe("a call to all servers of a type", () => {
  test("has the answer or the failure of each", async () => {
    await start(["ask-1", "ask-2", "ask-3", "ask-4"]);
    act = (one) => {
      if (one.server === "ask-2") throw new NanoError({ code: "not_found", message: "nothing here" });
      return one.server === "ask-3" && one.word === "slow" ? never() : undefined;
    };
    // The own server is one of them.
    const all = server("ask-1").remoteAll(AskRemote).tell({ word: "slow" }, { timeoutMs: 400 });
    await cluster.settle();
    cluster.crash("ask-4");
    await cluster.advance(500);
    const results = (await all).map((one) => [one.server.id, one.ok ? one.value.server : one.error.code]);
    // ask-4 had answered before it died.
    expect(results).toEqual([
      ["ask-1", "ask-1"],
      ["ask-2", "not_found"],
      ["ask-3", "deadline_exceeded"],
      ["ask-4", "ask-4"],
    ]);
    const later = server("ask-1").remoteAll(AskRemote).tell({});
    await cluster.advance(500);
    expect((await later).map((one) => (one.ok ? "ok" : one.error.code))).toEqual(["ok", "not_found", "ok", "unavailable"]);
  });

  test("is given up for all", async () => {
    await start(["ask-1", "ask-2"]);
    act = never;
    const signal = new AbortController();
    const all = server("ask-1").remoteAll(AskRemote).tell({}, { signal: signal.signal });
    await cluster.settle();
    signal.abort();
    expect((await all).map((one) => !one.ok && one.error.code)).toEqual(["canceled", "canceled"]);
    await cluster.settle();
    expect(asked.map(({ ctx }) => ctx.signal.aborted)).toEqual([true, true]);
  });
});

// To the own server nothing goes by way of a socket; what is promised is the same.
describe.each([
  ["another server", "ask-2"],
  ["the own server", "ask-1"],
])("a call to %s", (_where, to) => {
  const call = (options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}) =>
    server("ask-1").remote(AskRemote, { server: to }).tell({ word: "w" }, options);

  test("begins when the caller has gone on", async () => {
    await start(["ask-1", "ask-2"]);
    const order: string[] = [];
    act = () => order.push("asked");
    const answer = call();
    order.push("gone on");
    expect(await answer).toMatchObject({ server: to });
    expect(order).toEqual(["gone on", "asked"]);
  });

  test("that is given up ends at once, and aborts the signal of who was asked", async () => {
    await start(["ask-1", "ask-2"]);
    act = never;
    const signal = new AbortController();
    const answer = call({ signal: signal.signal }).result();
    await cluster.settle();
    expect(asked[0]?.ctx.signal.aborted).toBe(false);
    signal.abort();
    expect(await answer).toMatchObject({ ok: false, error: { code: "canceled" } });
    await cluster.settle();
    expect(asked[0]?.ctx.signal.aborted).toBe(true);
    expect(NanoError.from(asked[0]?.ctx.signal.reason).code).toBe("canceled");
    // A signal that has aborted already begins nothing.
    expect(await call({ signal: AbortSignal.abort() }).result()).toMatchObject({ ok: false, error: { code: "canceled" } });
    await cluster.settle();
    expect(asked).toHaveLength(1);
  });

  test("ends in time, on both sides", async () => {
    await start(["ask-1", "ask-2"]);
    act = never;
    const answer = call({ timeoutMs: 300 }).result();
    await cluster.advance(290);
    expect(asked[0]?.ctx.signal.aborted).toBe(false);
    await cluster.advance(70);
    expect(await answer).toMatchObject({ ok: false, error: { code: "deadline_exceeded" } });
    expect(asked[0]?.ctx.signal.aborted).toBe(true);
  });

  test("made in a call ends with that one", async () => {
    await start(["ask-1", "ask-2"]);
    act = ({ ctx, word }) => (word === "w" ? ctx.remote(AskRemote, { server: to }).tell({ word: "inner" }) : never());
    const signal = new AbortController();
    const answer = call({ timeoutMs: 300, signal: signal.signal }).result();
    await cluster.settle();
    const [outer, inner] = asked;
    // Each hop has what is left, in whole milliseconds.
    expect(inner?.ctx.deadlineMs).toBeLessThanOrEqual(outer?.ctx.deadlineMs ?? 0);
    expect(inner?.ctx.deadlineMs).toBeGreaterThan((outer?.ctx.deadlineMs ?? 0) - 2);
    signal.abort();
    await cluster.settle();
    expect(await answer).toMatchObject({ ok: false, error: { code: "canceled" } });
    expect(asked.map(({ ctx }) => ctx.signal.aborted)).toEqual([true, true]);
    // What goes on in a call that is over asks nobody.
    const late = await outer?.ctx.remote(AskRemote, { server: to }).tell({ word: "late" }).result();
    expect(late).toMatchObject({ ok: false, error: { code: "canceled" } });
    expect(asked).toHaveLength(2);
  });

  test("passes eight servers and no more", async () => {
    await start(["ask-1", "ask-2"]);
    act = ({ ctx }) => ctx.remote(AskRemote, { server: asked.length % 2 === 0 ? "ask-1" : to }).tell({ word: "on" });
    const answer = await call().result();
    expect(answer).toMatchObject({
      ok: false,
      error: { code: "failed_precondition", message: "the call has passed 8 servers" },
    });
    expect(asked).toHaveLength(8);
  });

  test("leaves what the caller holds as it is, whatever who was asked does with it", async () => {
    await start(["ask-1", "ask-2"]);
    const mine = new Uint8Array([1, 2, 3]);
    const theirs = new Uint8Array([7]);
    act = ({ body }) => {
      body.fill(9);
      return theirs;
    };
    const answer = server("ask-1").remote(AskRemote, { server: to }).tell({ body: mine });
    // Changes after the call are too late, too.
    mine[0] = 5;
    const { body } = await answer;
    body.fill(8);
    expect(mine).toEqual(new Uint8Array([5, 2, 3]));
    expect(theirs).toEqual(new Uint8Array([7]));
    expect(asked[0]?.body).toEqual(new Uint8Array([9, 9, 9]));
  });

  test("that throws what is not meant for others fails with internal, and without its words", async () => {
    await start(["ask-1", "ask-2"]);
    act = () => {
      throw new Error("secret");
    };
    const answer = await call().result();
    expect(answer).toMatchObject({ ok: false, error: { code: "internal" } });
    expect(JSON.stringify(answer.ok || answer.error.message)).not.toMatch("secret");
  });
});

describe("a call whose link does not open", () => {
  beforeEach(async () => {
    await start(["ask-1", "ask-2"]);
    cluster.cut("ask-1", "ask-2");
  });

  test("ends in time", async () => {
    const answer = server("ask-1").remote(AskRemote, { server: "ask-2" }).tell({}, { timeoutMs: 200 }).result();
    await cluster.advance(260);
    expect(await answer).toMatchObject({ ok: false, error: { code: "deadline_exceeded" } });
  });

  test("is given up at once", async () => {
    const signal = new AbortController();
    const answer = server("ask-1").remote(AskRemote, { server: "ask-2" }).tell({}, { signal: signal.signal }).result();
    await cluster.advance(100);
    signal.abort();
    expect(await answer).toMatchObject({ ok: false, error: { code: "canceled" } });
    // And is not made when it opens after all.
    await cluster.advance(5_000);
    expect(asked).toEqual([]);
  });
});

test("each hop of a slow network has less time than the one before", async () => {
  await start(["ask-1", "ask-2", "ask-3"], 40);
  const left: number[] = [];
  act = ({ ctx, server: id }) => {
    left.push(Math.round(ctx.deadlineMs - cluster.now));
    const next = { "ask-1": "ask-2", "ask-2": "ask-3" }[id];
    return next ? new Promise<void>((resolve) => setImmediate(resolve)).then(() => hop(ctx.remote, next)) : undefined;
  };
  const hop = async (remote: Server["remote"], to: string): Promise<void> => {
    await remote(AskRemote, { server: to }).tell({});
  };
  const answer = hop(server("ask-1").remote, "ask-1");
  await cluster.advance(2_000);
  await answer;
  const [first = 0, second = 0, third = 0] = left;
  expect(first).toBe(5_000);
  // The link had to be opened first.
  expect(second).toBeLessThan(first);
  expect(third).toBeLessThan(second);
});

test("a server in no cluster calls itself; what its remotes throw is logged", async () => {
  cluster = createTestCluster();
  const lines: string[] = [];
  const alone = createServer({
    id: "alone",
    log: createJsonLogger({ sink: { write: (line) => void lines.push(line) }, now: () => 0 }),
    services: askServices("alone", ({ word }) => {
      if (word === "throw") throw new Error("secret");
    }),
  });
  await alone.start();
  expect(alone.addresses).toEqual({});
  expect(await alone.remote(AskRemote).own({ word: "w" })).toMatchObject({ server: "alone" });
  expect(await alone.remoteAll(AskRemote).look({})).toMatchObject([{ ok: true, value: { server: "alone" } }]);
  expect(await alone.remote(AskRemote).tell({ word: "throw" }).result()).toMatchObject({ error: { code: "internal" } });
  expect(lines.join("")).toMatch("secret");
  await alone.stop();
});

test("a loop of calls to the own server lets timers and input have their turn", async () => {
  const alone = createServer({ id: "alone", log: silentLogger, services: askServices("alone", () => {}) });
  await alone.start();
  let turned = false;
  const timer = setTimeout(() => {
    turned = true;
  }, 0);
  // Longer than any turn of this process takes on a busy machine.
  const untilMs = performance.now() + 3_000;
  while (!turned && performance.now() < untilMs) await alone.remote(AskRemote).tell({});
  clearTimeout(timer);
  expect(turned).toBe(true);
  await alone.stop();
});
