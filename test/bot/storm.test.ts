import { play, scenario } from "nano-rpc/bot";
import { webSocket } from "nano-rpc/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RoomClient } from "../../examples/chat/gen/chat/v1/chat_client.ts";
import { until } from "../net/recorder.ts";
import { type BotServer, startBotServer } from "./chat-bots.ts";

let server: BotServer;
beforeEach(async () => {
  server = await startBotServer();
});
afterEach(() => server.stop());

const users = 40;
const storms = ["first storm", "second storm"];

// As docs/bot.md has it, in a room where everybody speaks.
test.each(["ws", "tcp"] as const)(
  "over %s all lose the network at once, twice: all come back to their sessions, and every push came once",
  async (way) => {
    const storm = scenario({
      name: "storm",
      once: { users },
      thresholds: { resumed: 1, errors: 0, delivered: 1, duplicates: 0 },
      async run(bot) {
        const room = bot.service(RoomClient);
        const me = { room: "lobby", name: `bot-${bot.index}` };
        let heard = 0;
        bot.follow(room.onSaid, { key: ({ name, text }) => `${name} ${text}` });
        room.onSaid(() => void heard++);
        await room.join(me);
        for (const place of storms) {
          await bot.meet(place, users);
          bot.due(room.onSaid, users);
          room.say({ text: place });
          // It was said when this is answered; some hear it before their storm, and some behind it.
          await room.join(me);
          bot.drop();
          // Who breaks again soon waits longer before it comes back than the method gives an answer.
          await room.join(me, { timeoutMs: 30_000 });
        }
        await until(() => heard, 30_000).toBe(users * storms.length);
      },
    });
    const transport = way === "ws" ? webSocket(server.url) : server.tcp;
    const report = await play(storm, { clientOf: () => ({ transport }) });
    expect([report.broken, report.breaches]).toEqual([{}, []]);
    expect(report.drops).toBe(users * storms.length);
    expect(report.pushes).toMatchObject([{ expected: users * users * storms.length, duplicates: 0 }]);
  },
  60_000,
);
