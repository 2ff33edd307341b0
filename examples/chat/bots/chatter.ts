// People who come into rooms of the chat, say something now and then, and wait to hear themselves.
import { scenario } from "nano-rpc/bot";
import { RoomClient } from "../gen/chat/v1/chat_client.ts";

export default scenario({
  name: "chatter",
  stages: [
    { users: 100, overMs: 5_000 },
    { users: 100, overMs: 20_000 },
    { users: 0, overMs: 5_000 },
  ],
  thresholds: { p99Ms: 100, errors: 0.001, delivered: 1 },
  async run(bot) {
    const room = bot.service(RoomClient);
    const name = `bot-${bot.index}`;
    await room.join({ room: `room-${bot.index % 10}`, name });
    await bot.repeat({ forMs: 60_000 }, async (turn) => {
      const text = `${turn}`;
      room.say({ text });
      await bot.expect(room.onSaid, { where: (said) => said.name === name && said.text === text, withinMs: 5_000 });
      await bot.think(500, 1_500);
    });
  },
});
