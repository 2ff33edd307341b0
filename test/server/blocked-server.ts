// A server whose handlers block the event loop: at once, or after they have waited. Its log goes to stdout.
import { createJsonLogger, createServer, prometheus, tcp } from "nano-rpc";
import { askServices } from "../remote/ask.ts";

function countSheep(ms: number): void {
  for (const endMs = performance.now() + ms; performance.now() < endMs; );
}

const server = createServer({
  id: "one",
  acceptors: [tcp({ port: 0 })],
  services: askServices("one", async ({ word }) => {
    if (word === "later") await new Promise((resolve) => setImmediate(resolve));
    if (word !== "short") countSheep(4_000);
  }),
  watchdog: { blockedMs: 200 },
  http: {},
  reporters: [prometheus()],
  log: createJsonLogger({ sink: { write: (line) => console.log(line) }, now: () => 0 }),
});
await server.start();
console.log(`ready ${server.addresses["tcp"]} ${server.addresses["http"]}`);
