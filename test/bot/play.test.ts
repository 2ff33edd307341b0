import { type Bot, describe as inWords, play, type Report, type Scenario, scenario } from "nano-rpc/bot";
import { type Transport, webSocket } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { waysTo } from "../../src/dial/index.ts";
import { until } from "../net/recorder.ts";
import { type BotServer, startBotServer } from "./chat-bots.ts";

let server: BotServer;
beforeEach(async () => {
  server = await startBotServer();
});
afterEach(() => server.stop());

/** Plays until so many users are through, whatever time that takes. */
async function playUsers(
  users: number,
  run: (bot: Bot) => Promise<void>,
  more: Partial<Scenario> = {},
  transport: Transport = webSocket(server.url),
): Promise<Report> {
  const enough = new AbortController();
  let through = 0;
  const played = scenario({
    name: "test",
    stages: [
      { users, overMs: 0 },
      { users, overMs: 60_000 },
    ],
    ...more,
    async run(bot) {
      try {
        if (bot.index < users) await run(bot);
      } finally {
        if (bot.index < users && ++through === users) enough.abort();
      }
    },
  });
  return play(played, { clientOf: () => ({ transport }), signal: enough.signal });
}

describe("bots", () => {
  test("requests are measured by route, pushes expected, and users meet", async () => {
    let together = 0;
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      const name = `bot-${bot.index}`;
      await room.join({ room: "lobby", name });
      together++;
      await bot.meet("all are in", 5);
      expect(together).toBe(5);
      await bot.repeat({ times: 3 }, async (turn) => {
        room.say({ text: `${turn}` });
        await bot.expect(room.onSaid, { where: (said) => said.name === name && said.text === `${turn}`, withinMs: 20_000 });
      });
      await bot.meet("all have heard", 5);
    };
    const report = await playUsers(5, run, { thresholds: { p99Ms: 60_000, errors: 0, delivered: 1 } });
    expect(report.breaches).toEqual([]);
    expect(report.calls.find(({ route }) => route === "room.room.join")).toMatchObject({ answered: 5, failed: 0, errors: {} });
    expect(report.pushes).toMatchObject([{ route: "room.room.said", expected: 15, came: 15, duplicates: 0 }]);
    expect(report.all.p50Ms).toBeGreaterThan(0);
    expect(inWords(report)).toMatch(/^test: \d+ users in .* s\ncalls +answered +failed +p50.*\npassed$/s);
  }, 60_000);

  test("errors are counted by code, lost pushes as lost, and thresholds say so", async () => {
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      const { ok } = await room.join({ room: "", name: "ann" }).result();
      expect(ok).toBe(false);
      await bot.expect(room.onSaid, { withinMs: 10 });
    };
    const report = await playUsers(1, run, { thresholds: { errors: 0.1, delivered: 1, p99Ms: 1 } });
    expect(report.calls.find(({ route }) => route === "room.room.join")).toMatchObject({
      ...{ answered: 0, failed: 1, errors: { invalid_argument: 1 } },
    });
    expect(report.pushes).toMatchObject([{ route: "room.room.said", expected: 1, came: 0 }]);
    expect(report.breaches).toEqual([
      "p99 is unknown: no call was answered",
      expect.stringContaining("of the calls failed, more than 10 %"),
      "0 % of the expected pushes came (0 of 1), less than 100 %",
    ]);
  }, 60_000);

  test("a call that comes late is measured from when it was due", async () => {
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      await bot.repeat({ times: 3, everyMs: 100 }, async (turn) => {
        // The first turn takes as long as several: the second was due long before it begins.
        if (turn === 0) await bot.think(1_000);
        else await room.join({ room: "lobby", name: "ann" });
      });
    };
    const report = await playUsers(1, run);
    expect(report.all.maxMs).toBeGreaterThan(850);
  }, 60_000);

  test("pauses of one bot end each at its time, whichever began first", async () => {
    const ended: number[] = [];
    const run = async (bot: Bot): Promise<void> => {
      await Promise.all([30, 10, 40, 20].map((ms) => bot.think(ms).then(() => ended.push(ms))));
      ended.push(0);
    };
    const report = await playUsers(1, run);
    expect(report.broken).toEqual({});
    expect(ended.slice(0, 5)).toEqual([10, 20, 30, 40, 0]);
  }, 60_000);

  test("users who begin together are spread over the time of one turn, where that is wanted", async () => {
    const firstMs: number[] = [];
    const run = async (bot: Bot): Promise<void> => {
      await bot.meet("all are in", 30);
      await bot.repeat({ times: 1, everyMs: 2_000, spread: true }, async () => void firstMs.push(performance.now()));
    };
    const report = await playUsers(30, run);
    expect(report.broken).toEqual({});
    expect(firstMs).toHaveLength(30);
    // 30 by chance in 2,000 ms: a machine that stood still for most of that would bring them together.
    expect(Math.max(...firstMs) - Math.min(...firstMs)).toBeGreaterThan(200);
  }, 60_000);

  test("users arrive when they are due, and who is one too many is turned away", async () => {
    const report = await playUsers(20, (bot) => bot.think(60_000), {
      ...{ stages: undefined as never, rate: { perSecond: 50, forMs: 500, maxUsers: 20 } },
      thresholds: { errors: 0 },
    });
    expect(report.users).toBe(20);
    expect(report.calls).toMatchObject([{ route: "(connect)", answered: 20, failed: 5, errors: { resource_exhausted: 5 } }]);
    expect(report.breaches).toEqual(["20 % of the calls failed, more than 0 %"]);
  }, 60_000);

  test("pushes are followed: what was due and came, what came twice", async () => {
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      let heard = 0;
      bot.follow(room.onSaid, { key: ({ text }) => text, sentAtMs: () => Date.now() - 7 });
      room.onSaid(() => void heard++);
      await room.join({ room: "lobby", name: `bot-${bot.index}` });
      await bot.meet("all are in", 3);
      if (bot.index === 0) {
        bot.due(room.onSaid, 6);
        for (const text of ["a", "b", "b"]) room.say({ text });
      }
      await until(() => heard, 20_000).toBe(3);
      bot.check("three were heard", heard === 3);
    };
    const report = await playUsers(3, run, { thresholds: { delivered: 1, also: ["push_p99>=7ms", "push_p99<60s"] } });
    expect(report.pushes).toMatchObject([{ route: "room.room.said", expected: 6, came: 6, duplicates: 3 }]);
    expect(report.checks).toEqual([{ what: "three were heard", held: 3, failed: 0 }]);
    expect(report.breaches).toEqual([]);
    expect(inWords(report)).toContain("held: three were heard (3 of 3)");
  }, 60_000);

  test("a socket is cut, and comes back; a check that does not hold fails the run", async () => {
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      await room.join({ room: "lobby", name: "ann" });
      const back = new Promise<string>((resolve) => bot.onState((state) => state.name === "open" && resolve(state.via)));
      bot.drop();
      bot.check("nothing is ever lost", (await back) === "never");
    };
    const report = await playUsers(1, run);
    expect(report.drops).toBe(1);
    expect(Object.values(report.returns)).toEqual([1]);
    expect(report.breaches).toEqual(["0 % of the checks held (not: nothing is ever lost), less than 100 %"]);
    expect(inWords(report)).toMatch(
      /1 connections broke, and came back: 1 by \w+\ndid not hold: nothing is ever lost \(0 of 1\)/,
    );
  }, 60_000);

  test("a bot that reads nothing hears nothing until it does again, over TCP and WebSocket; the platform's cannot", async () => {
    let heard = 0;
    let said = false;
    const run = async (bot: Bot): Promise<void> => {
      const room = bot.service(RoomClient);
      await room.join({ room: "lobby", name: `bot-${bot.index}` });
      if (bot.index === 1) {
        await bot.meet("one has stopped reading", 2);
        room.say({ text: "hello" });
        await bot.expect(room.onSaid, { withinMs: 20_000 });
        said = true;
        return bot.meet("it was said", 2);
      }
      room.onSaid(() => void heard++);
      const read = bot.stall();
      await bot.meet("one has stopped reading", 2);
      await bot.meet("it was said", 2);
      bot.check("nothing came while it did not read", said && heard === 0);
      read();
      await until(() => heard, 20_000).toBe(1);
    };
    for (const { transport } of [{ transport: server.tcp }, ...waysTo(server.url, { insecure: false, ca: undefined })]) {
      [said, heard] = [false, 0];
      const report = await playUsers(2, run, {}, transport);
      expect([report.breaches, report.broken]).toEqual([[], {}]);
    }
    const over = await playUsers(1, async (bot) => void bot.stall());
    expect(Object.keys(over.broken)).toEqual([
      "TypeError: only an open socket can stop reading, and not the platform's WebSocket",
    ]);
  }, 60_000);

  test("each once: the run is over when all are through, and each has credentials of its own", async () => {
    const asked: number[] = [];
    const played = scenario({
      ...{ name: "once", once: { users: 7, overMs: 50 }, thresholds: { errors: 0 } },
      credentials(index) {
        asked.push(index);
        return { token: `t${index}` };
      },
      async run(bot) {
        await bot.service(RoomClient).join({ room: "lobby", name: `bot-${bot.index}` });
      },
    });
    const report = await play(played, { clientOf: () => ({ transport: webSocket(server.url) }) });
    expect([report.users, report.answered, report.breaches]).toEqual([7, 14, []]);
    expect(asked).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }, 60_000);

  test("a fault of a scenario ends that user, and is told", async () => {
    const report = await playUsers(2, async ({ index }) => {
      if (index === 1) throw new TypeError("no such thing");
    });
    expect(report.broken).toEqual({ "TypeError: no such thing": 1 });
    expect(inWords(report)).toContain("1 users ended early: TypeError: no such thing");
  }, 60_000);
});

describe("a scenario that makes no sense is refused", () => {
  const run = async (): Promise<void> => {};
  test.each<[Partial<Scenario>, string]>([
    [{}, 'scenario "x" wants either stages, or a rate, or once'],
    [{ stages: [] }, 'scenario "x" has no stage'],
    [{ stages: [{ users: 1.5, overMs: 1 }] }, "users of a stage are a whole number, not 1.5"],
    [{ stages: [{ users: 1, overMs: -1 }] }, "overMs of a stage is 0 or more, not -1"],
    [{ rate: { perSecond: 0, forMs: 1 } }, "rate.perSecond is more than 0, not 0"],
    [{ once: { users: 0 } }, "once.users is 1 or more, not 0"],
    [{ once: { users: 1 }, stages: [] }, 'scenario "x" wants either stages'],
    [{ once: { users: 1 }, thresholds: { also: ["p99"] } }, '"p99" is no threshold'],
    [
      { once: { users: 1 }, thresholds: { routes: { "a.b.c": { errors: -1 } } } },
      'thresholds.routes["a.b.c"].errors is from 0 to 1',
    ],
    [{ rate: { perSecond: 1, forMs: 1 }, thresholds: { errors: 2 } }, "thresholds.errors is from 0 to 1, not 2"],
  ])("%j", (given, words) => {
    expect(() => scenario({ name: "x", run, ...given })).toThrow(words);
  });
});
