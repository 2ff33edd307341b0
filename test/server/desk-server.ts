// A gate, or a desk that answers. Arguments: id, role, etcd's endpoint, and how its onDrain ends: "soon", or "never".
import { setTimeout } from "node:timers/promises";
import { createServer, etcd, implement, silentLogger, tcp } from "nano-rpc";
import { DeskHandler } from "../schema/gen/ask/v1/ask_nano.ts";

const [id = "", role = "", endpoint = "", drains = "soon"] = process.argv.slice(2);
const words: string[] = [];

async function answer({ word }: { readonly word: string }): Promise<{ server: string }> {
  words.push(word);
  await setTimeout(5);
  return { server: id };
}

const desk = implement(DeskHandler, {
  do: answer,
  see: answer,
  put: answer,
  stay: answer,
  enter: answer,
  async onDrain() {
    console.log("draining");
    if (drains === "never") await new Promise(() => {});
  },
  // What it was asked, for the test to count.
  shutdown: () => console.log(`handled ${JSON.stringify(words)}`),
});

const server = createServer({
  id,
  log: silentLogger,
  signals: ["SIGTERM", "SIGINT"],
  discovery: etcd({ endpoints: [endpoint], prefix: "/desk", leaseMs: 4_000 }),
  ...(role === "gate" ? { types: ["gate"], acceptors: [tcp({ port: 0, host: "127.0.0.1" })] } : { services: [desk] }),
});
await server.start();
console.log(`ready ${JSON.stringify(server.addresses)}`);
