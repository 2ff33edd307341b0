// What people write without a framework: whatever one sends goes to all that are there.
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";
import { answerUsage } from "./usage.ts";

const { values: flags } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const server = new WebSocketServer({ port: Number(flags.port), host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket) => {
  socket
    .on("error", () => {})
    .on("message", (data) => {
      for (const other of server.clients) other.send(data.toString());
    });
});
await new Promise((resolve) => server.once("listening", resolve));
const at = server.address();
answerUsage();
process.once("SIGTERM", () => process.exit(0));
console.log(`ready ${JSON.stringify({ ws: typeof at === "object" && at ? at.port : 0 })}`);
