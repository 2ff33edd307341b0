// The whole chat in one process: nothing to install, nothing to start first. Ports by --ws, --tcp, --http.
import { parseArgs } from "node:util";
import { startChat } from "./chat.ts";
import { mustBeFree } from "./port-taken.ts";

const { values: flags } = parseArgs({
  options: {
    ws: { type: "string", default: "3250" },
    tcp: { type: "string", default: "3251" },
    http: { type: "string", default: "3000" },
  },
});
const ports = { ws: Number(flags.ws), tcp: Number(flags.tcp), http: Number(flags.http) };
const chat = await startChat({
  id: "demo",
  roles: ["gate", "room"],
  discovery: "memory",
  prefix: "/chat",
  ...ports,
  cluster: "127.0.0.1:0",
  tokenFile: undefined,
}).catch((reason: unknown) => mustBeFree(reason, ports));
process.once("SIGTERM", end).once("SIGINT", end);
console.log(`The chat is at http://127.0.0.1:${chat.ready.http}: open it in two tabs.`);
console.log(`WebSocket ws://127.0.0.1:${chat.ready.ws}, TCP 127.0.0.1:${chat.ready.tcp}. Ctrl-C ends it.`);

function end(): void {
  void chat.stop().then(() => process.exit(0));
}
