// The whole chat in one process: nothing to install, nothing to start first. Ports by --ws, --tcp, --http.
import { startChat } from "./chat.ts";
import { portOf, readFlags } from "./flags.ts";
import { mustBeFree } from "./port-taken.ts";

const flags = readFlags("npm run demo -- [--ws PORT] [--tcp PORT] [--http PORT]: 3250, 3251 and 3000 unless said", {
  ws: { type: "string", default: "3250" },
  tcp: { type: "string", default: "3251" },
  http: { type: "string", default: "3000" },
});
const ports = { ws: portOf("ws", flags.ws), tcp: portOf("tcp", flags.tcp), http: portOf("http", flags.http) };
const chat = await startChat({
  id: "demo",
  roles: ["gate", "room"],
  discovery: "memory",
  prefix: "/chat",
  ...ports,
  cluster: "127.0.0.1:0",
  tokenFile: undefined,
  // Whoever tries it reads where it is, and not what a server notes of itself; "npm run chat" tells all.
  logLevel: "error",
}).catch((reason: unknown) => mustBeFree(reason, ports));
process.once("SIGTERM", end).once("SIGINT", end);
console.log(`The chat is at http://127.0.0.1:${chat.ready.http}: open it in two tabs.`);
console.log(`WebSocket ws://127.0.0.1:${chat.ready.ws}, TCP 127.0.0.1:${chat.ready.tcp}. Ctrl-C ends it.`);

function end(): void {
  void chat.stop().then(() => process.exit(0));
}
