import { NanoError, type Server } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AskRemote } from "../schema/gen/ask/v1/ask_nano.ts";
import { type Act, type Asked, askServices, never } from "./ask.ts";

const unavailable = (): never => {
  throw new NanoError({ code: "unavailable", message: "not now" });
};

describe("a call that fails", () => {
  let cluster: TestCluster;
  let gate: Server;
  let asked: (Asked & { readonly atMs: number })[];
  let act: Act;

  const tries = (): string[] => asked.map(({ server, attempt }) => `${server} ${attempt}`);

  beforeEach(async () => {
    cluster = createTestCluster();
    asked = [];
    act = () => {};
    gate = await cluster.start({ id: "gate-1", types: ["gate"] });
    for (const id of ["ask-1", "ask-2"]) await startAsk(id);
    // Both are linked: `any` knows no others then.
    await gate.remoteAll(AskRemote).tell({});
    asked = [];
  });
  afterEach(() => cluster.stop());

  function startAsk(id: string): Promise<Server> {
    return cluster.start({
      id,
      services: askServices(id, (one) => {
        asked.push({ ...one, atMs: cluster.now });
        return act(one);
      }),
    });
  }

  test("with unavailable is tried on another server, if the schema says that this does no harm", async () => {
    act = ({ attempt }) => attempt === 0 && unavailable();
    for (const method of ["look", "set"] as const) {
      asked = [];
      const atMs = cluster.now;
      const answer = gate.remote(AskRemote)[method]({});
      await cluster.advance(100);
      expect(await answer).toMatchObject({ attempt: 1 });
      expect(tries().sort()).toEqual(expect.arrayContaining([expect.stringMatching(/ask-[12] 0/), expect.stringMatching(/ 1$/)]));
      expect(new Set(asked.map(({ server }) => server))).toEqual(new Set(["ask-1", "ask-2"]));
      const afterMs = (asked[1]?.atMs ?? 0) - atMs;
      expect(afterMs).toBeGreaterThanOrEqual(10);
      expect(afterMs).toBeLessThanOrEqual(100);
    }
  });

  test("is tried once more, and not again", async () => {
    act = unavailable;
    const answer = gate.remote(AskRemote).look({}).result();
    await cluster.advance(1_000);
    expect(await answer).toMatchObject({ ok: false, error: { code: "unavailable", message: "not now" } });
    expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1]);
  });

  test.each([
    ["a method that may change something", "tell", "unavailable"],
    ["another code", "look", "aborted"],
    ["a code that says that there is too much to do", "look", "resource_exhausted"],
  ] as const)("is not tried again: %s", async (_why, method, code) => {
    act = () => {
      throw new NanoError({ code, message: "no" });
    };
    const answer = gate.remote(AskRemote)[method]({}).result();
    await cluster.advance(1_000);
    expect(await answer).toMatchObject({ ok: false, error: { code } });
    expect(asked).toHaveLength(1);
  });

  test("is tried again at the owner of its key, and at the server that was named", async () => {
    act = ({ attempt }) => attempt === 0 && unavailable();
    const owned = gate.remote(AskRemote).ownLook({ word: "w" });
    await cluster.advance(100);
    const named = gate.remote(AskRemote, { server: "ask-2" }).look({});
    await cluster.advance(100);
    const all = gate.remoteAll(AskRemote).look({});
    await cluster.advance(100);
    const { server } = await owned;
    expect(await named).toMatchObject({ server: "ask-2", attempt: 1 });
    expect((await all).map((one) => one.ok && one.value)).toMatchObject([
      { server: "ask-1", attempt: 1 },
      { server: "ask-2", attempt: 1 },
    ]);
    expect(tries().slice(0, 4)).toEqual([`${server} 0`, `${server} 1`, "ask-2 0", "ask-2 1"]);
  });

  test("has one time for all its tries", async () => {
    act = ({ attempt }) => (attempt === 0 ? unavailable() : never());
    const answer = gate.remote(AskRemote).look({}, { timeoutMs: 500 }).result();
    await cluster.advance(600);
    expect(await answer).toMatchObject({ ok: false, error: { code: "deadline_exceeded" } });
    const [first, second] = asked;
    expect((second?.ctx.deadlineMs ?? 0) - (first?.ctx.deadlineMs ?? 0)).toBeLessThanOrEqual(1);
    // There is no time for a second one.
    act = unavailable;
    asked = [];
    const short = gate.remote(AskRemote).look({}, { timeoutMs: 9 }).result();
    await cluster.advance(200);
    expect(await short).toMatchObject({ ok: false, error: { code: "unavailable" } });
    expect(asked).toHaveLength(1);
  });

  test("and is given up meanwhile is not tried again", async () => {
    act = unavailable;
    const signal = new AbortController();
    const answer = gate.remote(AskRemote).look({}, { signal: signal.signal }).result();
    await cluster.settle();
    signal.abort();
    await cluster.advance(1_000);
    expect(await answer).toMatchObject({ ok: false, error: { code: "canceled" } });
    expect(asked).toHaveLength(1);
  });

  test("is one in ten at the most, beside the first ten", async () => {
    act = unavailable;
    const answers = Promise.all(Array.from({ length: 400 }, () => gate.remote(AskRemote).look({}).result()));
    await cluster.advance(1_000);
    await answers;
    expect(asked.length).toBeLessThanOrEqual(400 + 10 + 40);
    expect(asked.length).toBeGreaterThanOrEqual(400 + 40);
  });

  test("since its server died is answered by another; what may have happened there is not repeated", async () => {
    act = ({ server }) => (server === "ask-1" ? never() : undefined);
    const calls = (["look", "set", "tell"] as const).map((method) =>
      Array.from({ length: 4 }, () => gate.remote(AskRemote)[method]({}).result()),
    );
    await cluster.settle();
    const lost = asked.filter(({ server }) => server === "ask-1").length;
    expect(lost).toBeGreaterThan(2);
    cluster.crash("ask-1");
    await cluster.advance(200);
    const [looks = [], sets = [], tells = []] = await Promise.all(calls.map((some) => Promise.all(some)));
    for (const one of [...looks, ...sets]) expect(one).toMatchObject({ ok: true, value: { server: "ask-2" } });
    const failed = tells.filter((one) => !one.ok);
    expect(failed.length).toBe(asked.filter(({ server, method }) => server === "ask-1" && method === "tell").length);
    for (const one of failed) expect(one).toMatchObject({ error: { code: "unavailable" } });
  });

  test("since no link to its server opens has not begun: it goes to another, whatever it does", async () => {
    cluster.crash("ask-1");
    // These have no link yet, and discovery still names the server that died.
    const answers = await Promise.all(
      Array.from({ length: 8 }, async (_, at) => {
        const caller = await cluster.start({ id: `caller-${at}`, types: ["caller"] });
        const answer = caller.remote(AskRemote).tell({}).result();
        await cluster.advance(200);
        return answer;
      }),
    );
    for (const answer of answers) expect(answer).toMatchObject({ ok: true, value: { server: "ask-2" } });
    expect(new Set(answers.map((one) => one.ok && one.value.attempt))).toEqual(new Set([0, 1]));
    // One that is named or owned cannot go elsewhere.
    const named = gate.remote(AskRemote, { server: "ask-1" }).tell({}).result();
    await cluster.advance(200);
    expect(await named).toMatchObject({ ok: false, error: { code: "unavailable" } });
  });

  test("for want of its owner is tried at the one that owns the key then", async () => {
    const words = Array.from({ length: 64 }, (_, at) => `w${at}`);
    const owners = await Promise.all(words.map(async (word) => (await gate.remote(AskRemote).own({ word })).server));
    const word = words[owners.indexOf("ask-1")] ?? "";
    cluster.crash("ask-1");
    await cluster.settle();
    // The lease of the one that died ends between the two tries.
    await cluster.advance(9_995);
    const answer = gate.remote(AskRemote).own({ word }).result();
    await cluster.advance(500);
    expect(await answer).toMatchObject({ ok: true, value: { server: "ask-2", attempt: 1 } });
  });
});
