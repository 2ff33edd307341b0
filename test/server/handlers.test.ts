import type { ServerOptions } from "nano-rpc";
import type { Client } from "nano-rpc/client";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OtherClient, PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { otherServices, playServices, type Seen } from "./play.ts";

let cluster: TestCluster;
let logged: [unknown, string][];
let waits: { readonly atMs: number; readonly done: () => void }[];

// Waits of handlers end when the test says so: `advance` below moves the cluster's clock past them.
function wait(ms: number): Promise<void> {
  return new Promise((done) => void waits.push({ atMs: cluster.now + ms, done }));
}

async function advance(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 50) {
    await cluster.advance(Math.min(50, left));
    for (const one of waits.filter(({ atMs }) => atMs <= cluster.now)) {
      waits.splice(waits.indexOf(one), 1);
      one.done();
    }
    await cluster.settle();
  }
}

beforeEach(() => {
  waits = [];
  logged = [];
  cluster = createTestCluster();
});
afterEach(() => cluster.stop());

// The same promises hold whether the handler runs on the frontend or behind a link.
const places = ["on the frontend", "behind a link"] as const;

async function start(
  place: (typeof places)[number],
  encoding: "protobuf" | "json" = "protobuf",
): Promise<{ client: Client; play: PlayClient; seen: Seen }> {
  const { services, seen } = playServices(wait);
  const log = {
    ...{ trace() {}, debug() {}, info() {}, warn() {} },
    error: (fields: object, message: string) => void logged.push([Reflect.get(fields, "err"), message]),
  } as unknown as NonNullable<ServerOptions["log"]>;
  if (place === "on the frontend") await cluster.start({ id: "gate-1", frontend: true, log, services });
  else {
    await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    await cluster.start({ id: "play-1", log, services });
  }
  const client = await cluster.connect("gate-1", { encoding });
  return { client, play: client.service(PlayClient), seen };
}

describe.each(places)("a handler %s", (place) => {
  test("answers in order, one after the other", async () => {
    const { play, seen } = await start(place);
    const slow = play.wait({ ms: 300, text: "first" });
    for (let number = 1; number <= 50; number++) play.keep({ number });
    const kept = play.kept({});
    await advance(100);
    expect(seen.numbers).toEqual([]);
    await advance(400);
    expect((await slow).text).toBe("first");
    expect((await kept).numbers).toEqual(Array.from({ length: 50 }, (_, at) => at + 1));
  });

  test("a concurrent method does not wait, nor is it waited for", async () => {
    const { play } = await start(place);
    await play.kept({});
    const order: string[] = [];
    const slow = play.wait({ ms: 300, text: "slow" }).then(() => order.push("slow"));
    const floats = [play.float({ ms: 200, text: "b" }), play.float({ ms: 100, text: "a" })].map((call) =>
      call.then(({ text }) => order.push(text)),
    );
    await advance(500);
    await Promise.all([slow, ...floats]);
    expect(order).toEqual(["a", "b", "slow"]);
  });

  test.each(["throw", "async", "nothing"])(
    "that fails (%s) answers internal, tells nothing of it, and is logged",
    async (how) => {
      const { play } = await start(place, "json");
      const outcome = await play.fail({ how }).result();
      expect(outcome.ok ? "ok" : [outcome.error.code, outcome.error.message]).toEqual(["internal", "internal error"]);
      // Its words and its cause are the log's.
      expect(logged.map(([reason, message]) => [reason instanceof Error, message])).toEqual([[true, "a handler threw"]]);
      if (how !== "nothing") expect(logged).toEqual([[expect.objectContaining({ message: "secret text" }), "a handler threw"]]);
      expect((await play.kept({})).numbers).toEqual([]);
    },
  );

  test.each(["protobuf", "json"] as const)("declared errors arrive with their details in %s", async (encoding) => {
    const { play } = await start(place, encoding);
    const outcome = await play.fail({ how: "detail" }).result();
    if (outcome.ok || !outcome.error.declared || outcome.error.code !== "failed_precondition") throw new Error("not declared");
    expect(outcome.error.detail).toMatchObject({ part: "wheel" });
    const aborted = await play.fail({ how: "aborted" }).result();
    expect(aborted.ok ? "ok" : [aborted.error.declared, aborted.error.retryable]).toEqual([true, false]);
    const other = await play.fail({ how: "other" }).result();
    expect(other.ok ? "ok" : [other.error.code, other.error.declared, other.error.message]).toEqual([
      "not_found",
      false,
      "nothing there",
    ]);
  });

  test("that never answers costs its session a deadline, and the mailbox goes on", async () => {
    const { play } = await start(place);
    const never = play.fail({ how: "never" }).result();
    const after = play.kept({});
    await advance(1_200);
    const outcome = await never;
    expect(outcome.ok ? "ok" : outcome.error.code).toBe("deadline_exceeded");
    expect((await after).numbers).toEqual([]);
  });

  test("whose time is up can push through its context no more", async () => {
    const { play, seen } = await start(place);
    const late = play.wait({ ms: 1_500, text: "x" }).result();
    await advance(2_000);
    const outcome = await late;
    expect(outcome.ok ? "ok" : outcome.error.code).toBe("deadline_exceeded");
    expect(seen.late).toEqual(["canceled"]);
  });

  test("a push before the answer arrives before it", async () => {
    const { play } = await start(place);
    await play.enter({ user: "ann" });
    const heard: string[] = [];
    play.onTold(({ text }) => heard.push(text));
    await play.tell({ times: 3 }).then(() => heard.push("answer"));
    expect(heard).toEqual(["1", "2", "3", "answer"]);
  });

  test("access: a user, a role, in this order", async () => {
    const { play } = await start(place);
    const code = async (): Promise<string> => {
      const outcome = await play.rule({}).result();
      return outcome.ok ? "ok" : outcome.error.code;
    };
    expect(await code()).toBe("unauthenticated");
    await play.enter({ user: "ann" });
    expect(await code()).toBe("permission_denied");
    const admin = (await cluster.connect("gate-1")).service(PlayClient);
    await admin.enter({ user: "root", roles: ["admin"] });
    expect((await admin.rule({}).result()).ok).toBe(true);
  });

  test("a method that needs a user waits for the login before it", async () => {
    const { play } = await start(place);
    const login = play.enter({ user: "ann" });
    const tell = play.tell({ times: 0 });
    await Promise.all([login, tell]);
  });

  test("session data: 64 bits, own writes at once, a user bound twice ends the former session", async () => {
    const { play, client, seen } = await start(place, "json");
    await play.enter({ user: "ann" });
    expect(await play.note({ note: "n", coins: 2n ** 62n })).toMatchObject({ note: "n", coins: 2n ** 62n });
    const second = (await cluster.connect("gate-1")).service(PlayClient);
    expect((await second.enter({ user: "ann" })).former).toBe("ended");
    expect(seen.closed).toEqual(["ann replaced"]);
    expect(client.state).toMatchObject({ name: "closed", reason: { kind: "replaced" } });
  });

  test("the close callback runs when the client leaves", async () => {
    const { play, client, seen } = await start(place);
    await play.enter({ user: "ann" });
    void client.close();
    await cluster.settle();
    expect(seen.closed).toEqual(["ann left"]);
  });
});

test("what goes to two types of servers keeps its order: the second waits for the first", async () => {
  const { services, seen } = playServices(wait);
  await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  await cluster.start({ id: "play-1", services });
  await cluster.start({ id: "other-1", services: otherServices(seen.numbers, () => wait(100)) });
  const client = await cluster.connect("gate-1");
  const [play, other] = [client.service(PlayClient), client.service(OtherClient)];
  play.keep({ number: 1 });
  other.put({ number: 2 });
  play.keep({ number: 3 });
  other.put({ number: 4 });
  const kept = play.kept({});
  await advance(1_000);
  expect((await kept).numbers).toEqual([1, 2, 3, 4]);
});

test("keys find one server each, and keep it while others come", async () => {
  await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
  for (const id of ["play-1", "play-2", "play-3"]) await cluster.start({ id, services: playServices(wait).services });
  const homes = async (): Promise<string[]> => {
    const play = (await cluster.connect("gate-1")).service(PlayClient);
    return Promise.all(Array.from({ length: 30 }, async (_, at) => (await play.home({ name: `room-${at}` })).server));
  };
  const before = await homes();
  expect(new Set(before).size).toBe(3);
  expect(await homes()).toEqual(before);
  await cluster.start({ id: "play-4", services: playServices(wait).services });
  const after = await homes();
  for (const [at, server] of after.entries()) if (server !== "play-4") expect(server).toBe(before[at]);
});
