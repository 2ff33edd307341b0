// Answers after a while, and says what it has begun. Arguments: id, etcd's endpoint.
import { setTimeout as wait } from "node:timers/promises";
import { createServer, etcd, silentLogger } from "nano-rpc";
import { askServices } from "./ask.ts";

const [id = "", endpoint = ""] = process.argv.slice(2);

const server = createServer({
  id,
  log: silentLogger,
  discovery: etcd({ endpoints: [endpoint], prefix: "/ask", leaseMs: 4_000 }),
  services: askServices(id, async ({ word }) => {
    if (word !== "") console.log(`began ${word}`);
    await wait(30);
  }),
});
await server.start();
console.log("ready");
