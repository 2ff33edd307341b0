// A server of its own process, for tests that stop it. Prints where it is.

import { createServer, memory, silentLogger } from "nano-rpc";
import { playServices } from "../server/play.ts";

const { services } = playServices(() => Promise.resolve());
const server = createServer({ id: "play-1", discovery: memory(), services, log: silentLogger });
await server.start();
process.stdout.write(
  `${JSON.stringify({ incarnation: String(server.info.incarnation), address: server.addresses["cluster"] })}\n`,
);
// The server alone does not keep a process.
setInterval(() => {}, 60_000);
