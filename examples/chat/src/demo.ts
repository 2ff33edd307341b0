// The whole chat in one process: nothing to install, nothing to start first.
import { startChat } from "./chat.ts";

const chat = await startChat({
  id: "demo",
  roles: ["gate", "room"],
  discovery: "memory",
  prefix: "/chat",
  ws: 3250,
  tcp: 3251,
  http: 3000,
  cluster: "127.0.0.1:0",
  tokenFile: undefined,
});
process.once("SIGTERM", end).once("SIGINT", end);
console.log(`The chat is at http://127.0.0.1:${chat.ready.http}: open it in two tabs.`);
console.log(`WebSocket ws://127.0.0.1:${chat.ready.ws}, TCP 127.0.0.1:${chat.ready.tcp}. Ctrl-C ends it.`);

function end(): void {
  void chat.stop().then(() => process.exit(0));
}
