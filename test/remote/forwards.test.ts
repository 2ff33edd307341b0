import { NanoError } from "nano-rpc";
import { type Client, NanoError as ClientError } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DeskClient } from "../schema/gen/ask/v1/ask_client.ts";
import { type Act, type Asked, askServices, never } from "./ask.ts";

const unavailable = (): never => {
  throw new NanoError({ code: "unavailable", message: "not now" });
};

describe("a client's message that is forwarded", () => {
  let cluster: TestCluster;
  let client: Client;
  let desk: DeskClient;
  let asked: Asked[];
  let act: Act;

  beforeEach(async () => {
    cluster = createTestCluster();
    asked = [];
    act = () => {};
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    for (const id of ["ask-1", "ask-2"]) await startAsk(id);
    client = await cluster.connect("gate-1");
    desk = client.service(DeskClient);
  });
  afterEach(() => cluster.stop());

  function startAsk(id: string) {
    return cluster.start({
      id,
      services: askServices(id, (one) => {
        asked.push(one);
        return act(one);
      }),
    });
  }

  /** The words, with the attempt, in the order in which servers got them. */
  const came = (): string[] => asked.map(({ word, attempt }) => `${word} ${attempt}`);

  test("and fails with unavailable is sent to another server, where the schema says that this does no harm", async () => {
    act = ({ attempt }) => attempt === 0 && unavailable();
    const seen = desk.see({});
    await cluster.advance(150);
    expect(await seen).toMatchObject({ attempt: 1 });
    expect(new Set(asked.map(({ server }) => server))).toEqual(new Set(["ask-1", "ask-2"]));
    const done = desk.do({}).result();
    await cluster.advance(150);
    expect(await done).toMatchObject({ ok: false, error: { code: "unavailable" } });
    expect(asked).toHaveLength(3);
  });

  test("to a server that is out of reach goes to another, and its followers stay behind it", async () => {
    cluster.crash("ask-1");
    const answers: unknown[] = [];
    // Each comes from a gate that has no link yet.
    for (let at = 2; at < 8; at++) {
      await cluster.start({ id: `gate-${at}`, types: ["gate"], frontend: true });
      const here = (await cluster.connect(`gate-${at}`)).service(DeskClient);
      asked = [];
      const sent = Promise.all(["a", "b", "c"].map((word) => here.do({ word }).result()));
      await cluster.advance(300);
      answers.push(...(await sent));
      expect(asked.map(({ word }) => word)).toEqual(["a", "b", "c"]);
    }
    for (const answer of answers) expect(answer).toMatchObject({ ok: true, value: { server: "ask-2" } });
    expect(JSON.stringify(answers)).toContain('"attempt":1');
  });

  test("and was under way when its server died is answered by another, in order", async () => {
    // With one server there all messages are sent ahead, without waiting.
    cluster.crash("ask-2");
    await cluster.advance(11_000);
    act = ({ server }) => (server === "ask-1" ? never() : undefined);
    const answers = Promise.all([
      desk.see({ word: "see" }).result(),
      desk.put({ word: "early" }).result(),
      desk.see({ word: "see too" }).result(),
      desk.put({ word: "late" }).result(),
      desk.see({ word: "last" }).result(),
    ]);
    await cluster.settle();
    await startAsk("ask-3");
    cluster.crash("ask-1");
    asked = [];
    await cluster.advance(300);
    const results = await answers;
    expect(results.map((one) => (one.ok ? "ok" : one.error.code))).toEqual(
      // The early one might have been handled: after the late one it must not be again.
      ["ok", "unavailable", "ok", "ok", "ok"],
    );
    expect(came()).toEqual(["see 1", "see too 1", "late 1", "last 1"]);
  });

  test("by a session that is stuck to a server is not tried again", async () => {
    const { server } = await desk.stay({});
    act = unavailable;
    asked = [];
    const refused = desk.stay({}).result();
    await cluster.advance(300);
    expect(await refused).toMatchObject({ ok: false, error: { code: "unavailable" } });
    expect(asked).toHaveLength(1);
    asked = [];
    cluster.crash(server);
    const stayed = desk.stay({}).result();
    await cluster.advance(300);
    expect(await stayed).toMatchObject({ ok: false, error: { code: "unavailable" } });
    expect(asked).toEqual([]);
  });

  test("has one time for all its tries", async () => {
    act = ({ attempt }) => (attempt === 0 ? unavailable() : never());
    const seen = desk.see({}).result();
    await cluster.advance(4_900);
    expect(asked.map(({ attempt }) => attempt)).toEqual([0, 1]);
    await cluster.advance(200);
    const result = await seen;
    expect(result.ok || result.error).toMatchObject({ code: "deadline_exceeded" });
    expect(result.ok || result.error).toBeInstanceOf(ClientError);
  });

  test("is not tried again once its session is over", async () => {
    act = unavailable;
    const seen = desk.see({}).result();
    await cluster.settle();
    expect(asked).toHaveLength(1);
    await client.close();
    await cluster.advance(300);
    expect((await seen).ok).toBe(false);
    expect(asked).toHaveLength(1);
  });
});
