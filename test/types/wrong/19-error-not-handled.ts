import type { Client } from "nano-rpc/client";
import { LoginClient } from "../../schema/gen/game/v1/game_client.ts";

declare const client: Client;

const login = await client.service(LoginClient).login({ token: "t" }).result();
if (!login.ok && login.error.declared) {
  switch (login.error.code) {
    case "unauthenticated":
      break;
    default:
      login.error satisfies never;
  }
}
