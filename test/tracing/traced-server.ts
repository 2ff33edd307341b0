// A gate, a desk whose handlers ask others and push, or one of those others. Arguments: its role, etcd's endpoint.
import { createServer, etcd, implement, type PublicContext, silentLogger, webSocket } from "nano-rpc";
import { DeskHandler } from "../schema/gen/ask/v1/ask_nano.ts";
import { PlayPush, WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { startSdk } from "./start-sdk.ts";

const [role = "", endpoint = ""] = process.argv.slice(2);
startSdk();

async function answer({ word }: { readonly word: string }, ctx: PublicContext) {
  const { session } = ctx;
  await ctx.remote(WhoRemote).any({});
  await ctx.group("everybody").add(session);
  await session.bind(session.id);
  session.push(PlayPush.told, { text: word });
  ctx.group("everybody").push(PlayPush.told, { text: word });
  await ctx.users(session.id).deliver(PlayPush.told, { text: word });
  // The call is no part of what a timer does.
  if (word === "later") server.timers().after(1, () => server.group("everybody").push(PlayPush.told, { text: word }));
  if (word === "break") await ctx.remote(WhoRemote).break({});
  return { server: role };
}
const desk = implement(DeskHandler, { do: answer, see: answer, put: answer, stay: answer, enter: answer });
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
  services: role === "desk" ? [desk] : role === "who" ? [who] : [],
  tracing: role === "gate-of-friends" ? { clients: "parent" } : {},
});
await server.start();
console.log(`ready ${server.addresses["ws"] ?? ""}`);
