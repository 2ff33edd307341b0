// A server of rooms. Arguments: id, etcd's endpoint, lease in ms.
import { setTimeout } from "node:timers/promises";
import { createServer, etcd, silentLogger } from "nano-rpc";
import { rooms } from "./rooms.ts";

const [id = "", endpoint = "", leaseMs = ""] = process.argv.slice(2);

const { services } = rooms((ms) => setTimeout(ms), {
  onRelease: (key, why) => console.log(`released ${key} ${why}`),
});
const discovery = etcd({ endpoints: [endpoint], prefix: "/rooms", leaseMs: Number(leaseMs) });
const server = createServer({ id, log: silentLogger, discovery, services });
process.once("SIGTERM", () => void server.stop().then(() => process.exit(0)));
await server.start();
console.log("ready");
