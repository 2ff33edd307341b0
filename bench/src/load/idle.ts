// Idle connections: opened, then nothing but heartbeats, which are answered. Lives until it is ended.
import { parseArgs } from "node:util";
import { answerUsage } from "../usage.ts";
import { framed, type Over, openAll, packet } from "./wire.ts";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string" },
    over: { type: "string", default: "tcp" },
    connections: { type: "string", default: "10000" },
    raw: { type: "boolean", default: false },
    nano: { type: "boolean", default: false },
  },
});
const over = flags.over as Over;
const heartbeat = framed(packet(3, Buffer.alloc(0)), over);
const target = { port: Number(flags.port), over, raw: flags.raw, nano: flags.nano };
const sockets = await openAll(Number(flags.connections), target, 256);
for (const socket of sockets) {
  socket.on("data", () => socket.write(heartbeat));
  socket.once("close", () => {
    throw new Error("the server closed a connection");
  });
}
answerUsage();
process.once("SIGTERM", () => process.exit(0));
console.log("ready {}");
