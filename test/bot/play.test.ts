import { type Bot, describe as inWords, play, type Report, type Scenario, scenario } from "nano-rpc/bot";
import { createClient, webSocket } from "nano-rpc/client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { type BotServer, startBotServer } from "./chat-bots.ts";

let server: BotServer;
beforeEach(async () => {
  server = await startBotServer();
});
afterEach(() => server.stop());

/** Plays until so many users are through, whatever time that takes. */
async function playUsers(users: number, run: (bot: Bot) => Promise<void>, more: Partial<Scenario> = {}): Promise<Report> {
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
  const open = (onError: (reason: unknown) => void) => createClient({ transport: webSocket(server.url), onError });
  return play(played, { open, signal: enough.signal });
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
    expect(report.pushes).toMatchObject([{ route: "room.room.said", expected: 15, came: 15 }]);
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

  test("users arrive when they are due, and who is one too many is turned away", async () => {
    const report = await playUsers(20, (bot) => bot.think(60_000), {
      ...{ stages: undefined as never, rate: { perSecond: 50, forMs: 500, maxUsers: 20 } },
      thresholds: { errors: 0 },
    });
    expect(report.users).toBe(20);
    expect(report.calls).toMatchObject([{ route: "(connect)", answered: 20, failed: 5, errors: { resource_exhausted: 5 } }]);
    expect(report.breaches).toEqual(["20 % of the calls failed, more than 0 %"]);
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
    [{}, 'scenario "x" wants either stages or a rate'],
    [{ stages: [] }, 'scenario "x" has no stage'],
    [{ stages: [{ users: 1.5, overMs: 1 }] }, "users of a stage are a whole number, not 1.5"],
    [{ stages: [{ users: 1, overMs: -1 }] }, "overMs of a stage is 0 or more, not -1"],
    [{ rate: { perSecond: 0, forMs: 1 } }, "rate.perSecond is more than 0, not 0"],
    [{ rate: { perSecond: 1, forMs: 1 }, thresholds: { errors: 2 } }, "thresholds.errors is from 0 to 1, not 2"],
  ])("%j", (given, words) => {
    expect(() => scenario({ name: "x", run, ...given })).toThrow(words);
  });
});
