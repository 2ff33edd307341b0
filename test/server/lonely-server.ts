// A server whose module waits for timers that keep no process, while it starts and while it stops.
import { createServer, moduleKey, silentLogger } from "nano-rpc";

const wait = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 20).unref());
const server = createServer({
  log: silentLogger,
  modules: [{ key: moduleKey("slow"), init: wait, onDrain: wait, beforeShutdown: wait, shutdown: wait }],
});
await server.start();
console.log("started");
await server.stop();
console.log("stopped");
