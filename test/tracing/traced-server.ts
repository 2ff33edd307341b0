// A gate, a desk whose handlers ask others and push, or one of those others. Arguments: its role, etcd's endpoint.
import { createServer, etcd, implement, silentLogger, webSocket } from "nano-rpc";
import { askServices } from "../remote/ask.ts";
import { PlayPush, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { startSdk } from "./start-sdk.ts";

const [role = "", endpoint = ""] = process.argv.slice(2);
startSdk();

const desk = askServices(role, async ({ word, ctx }) => {
  if (word === "") return;
  await ctx.remote(WhoRemote).any({});
  ctx.group("everybody").push(PlayPush.told, { text: word });
  if (word === "break") await ctx.remote(WhoRemote).break({});
});
const who = implement(WhoRemote, {
  any: (_request, { caller }) => ({ server: role, caller: caller.id }),
  owner: () => ({ server: role }),
  break() {
    throw new Error("broken");
  },
});

const server = createServer({
  id: role,
  log: silentLogger,
  discovery: etcd({ endpoints: [endpoint], prefix: "/traced" }),
  acceptors: role.startsWith("gate") ? [webSocket({ port: 0 })] : [],
  services: role === "desk" ? desk : role === "who" ? [who] : [],
  tracing: role === "gate-of-friends" ? { clients: "parent" } : {},
});
await server.start();
console.log(`ready ${server.addresses["ws"] ?? ""}`);
