// A gate, or a server of rooms. Arguments: id, role, etcd's endpoint, lease in ms, and for a gate the server that it asks first.
import { setTimeout } from "node:timers/promises";
import { createServer, etcd, silentLogger, tcp } from "nano-rpc";
import { rooms } from "./rooms.ts";

const [id = "", role = "", endpoint = "", leaseMs = "", first = ""] = process.argv.slice(2);

const { services } = rooms((ms) => setTimeout(ms), {
  onRelease: (key, why) => console.log(`released ${key} ${why}`),
});
const server = createServer({
  id,
  log: silentLogger,
  discovery: etcd({ endpoints: [endpoint], prefix: "/rooms", leaseMs: Number(leaseMs) }),
  ...(role === "gate"
    ? {
        types: ["gate"],
        acceptors: [tcp({ port: 0, host: "127.0.0.1" })],
        routers: { room: (_call, servers) => servers.find((one) => one.id === first) },
      }
    : { services }),
});
process.once("SIGTERM", () => void server.stop().then(() => process.exit(0)));
await server.start();
console.log(`ready ${JSON.stringify(server.addresses)}`);
