// Session data, typed by the schema, and hooks that see it.
import { implement, NanoError, type Service, sessionHooks } from "nano-rpc";
import { ShopHandler, ShopPush } from "../../schema/gen/game/v1/game_nano.ts";
import { PlayerSessionSchema } from "../../schema/gen/game/v1/game_pb.ts";

const price = 10n;

export const shop: Service = implement(ShopHandler, {
  async init(server) {
    server.log.info({ id: server.id }, "the shop opens");
  },
  // Typed session data, changed field by field.
  async buy({ item }, { session }) {
    const { coins, items } = session.data;
    if (coins < price) throw new NanoError({ code: "failed_precondition", message: "not enough coins" });
    const left = coins - price;
    const paid = await session.patchIf({ coins }, { coins: left, items: { ...items, [item]: (items[item] ?? 0) + 1 } });
    if (!paid) throw new NanoError({ code: "aborted", message: "the purse changed meanwhile" });
    session.push(ShopPush.purse, { coins: left });
    return { coins: left };
  },
});

// Session hooks, typed by the same message.
export const audit = sessionHooks(PlayerSessionSchema, {
  onBind: (session) => console.log(`${session.user.toUpperCase()} has ${session.data.coins}`),
  onPatch: (session, fields) => console.log(session.id, fields.join()),
  onClose: (session, reason) => console.log(`${session.data.nickname}: ${reason.kind}`),
});
