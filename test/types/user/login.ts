// Login on a gate: by a public method, and by the handshake; servers that find each other in one process.
import { create } from "@bufbuild/protobuf";
import { createServer, implement, memory, NanoError, type Service, webSocket } from "nano-rpc";
import { LoginHandler } from "../../schema/gen/game/v1/game_nano.ts";
import { BannedSchema } from "../../schema/gen/game/v1/game_pb.ts";
import { worlds } from "./remotes.ts";
import { audit, shop } from "./shop.ts";

export interface Accounts {
  verify(
    token: string,
    signal?: AbortSignal,
  ): Promise<{ id: string; nickname: string; coins: bigint; bannedUntilMs?: bigint } | undefined>;
}

export function login(accounts: Accounts): Service {
  return implement(LoginHandler, {
    async login({ token }, { session, signal }) {
      const account = await accounts.verify(token, signal);
      if (!account) throw new NanoError({ code: "unauthenticated", message: "unknown token" });
      if (account.bannedUntilMs !== undefined) {
        throw new NanoError({
          code: "permission_denied",
          message: "banned",
          detail: create(BannedSchema, { reason: "cheating", untilMs: account.bannedUntilMs }),
        });
      }
      const { session: bound, former } = await session.bind(account.id, { roles: ["player"] });
      if (former === "timed_out") console.warn(`the other session of ${bound.user.toUpperCase()} has not ended`);
      await session.patch({ nickname: account.nickname, coins: account.coins });
      return { user: account.id };
    },
  });
}

export async function start(accounts: Accounts): Promise<void> {
  const discovery = memory();
  const gate = createServer({
    id: "gate-1",
    discovery,
    acceptors: [webSocket({ port: 3250, origins: ["https://play.example"] })],
    services: [login(accounts)],
    sessions: [audit],
    async authenticate({ version, user, resumed }) {
      if (version < "2") return { code: "failed_precondition", reason: "update the game" };
      if (resumed || typeof user !== "object" || !user || !("token" in user)) return undefined;
      const account = await accounts.verify(String(user.token));
      return account ? { user: account.id, roles: ["player"] } : { code: "unauthenticated", reason: "unknown token" };
    },
  });
  const back = createServer({ id: "shop-1", discovery, services: [shop, worlds] });
  await Promise.all([gate.start(), back.start()]);
}
