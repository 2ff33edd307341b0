import { createJsonLogger, serve } from "nano-rpc";

const log = createJsonLogger({ sink: { write: (line) => console.log(line) }, now: () => Date.now() });
const server = await serve({ types: ["loud"], log });
let ticks = 0;
server?.timers().every(10, () => {
  server.log.debug({ tick: ++ticks }, "detail");
  server.log.info({ tick: ticks }, "tick");
});
