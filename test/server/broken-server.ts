// A server in which nobody catches an error. Arguments: how it is made; then what a module does that is told to stop. Its log goes to stdout.
import { createJsonLogger, createServer, moduleKey } from "nano-rpc";

const [how = "", uncaught = ""] = process.argv.slice(2);

const server = createServer({
  id: "one",
  modules: [
    {
      key: moduleKey("slow"),
      init: () => {},
      // The second error comes while the server stops.
      onDrain: () => {
        if (how === "twice") setImmediate(fail);
        return how === "twice" ? new Promise(() => {}) : undefined;
      },
      shutdown: () => console.log("stopped in order"),
    },
  ],
  log: createJsonLogger({ sink: { write: (line) => console.log(line) }, now: () => 0 }),
  ...(uncaught === "stop" ? { uncaught } : {}),
});

function fail(): void {
  throw new Error("nobody is there");
}

await server.start();
console.log("ready");
// What an application may leave behind.
setInterval(() => {}, 60_000);
if (how === "rejected") void Promise.reject(new Error("nobody is there"));
else setImmediate(fail);
