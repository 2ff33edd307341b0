// A process that has nothing but a client: it stays while the client waits to come back.
import { argv } from "node:process";
import { createClient } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";

const client = createClient({
  transport: tcp({ host: "127.0.0.1", port: Number(argv[2]) }),
  encoding: "json",
  reconnect: { minDelayMs: 200 },
});
client.onState((state) => console.log(state.name === "open" ? `open via ${state.via}` : state.name));
await client.connect();
