// The edge server in a process of its own. SIGUSR2 opens files until there are none left, and closes them the next time.
import { closeSync, openSync } from "node:fs";
import { startEdge } from "./edge-server.ts";

const edge = await startEdge();
const files: number[] = [];

process.on("SIGUSR2", () => {
  if (files.length > 0) {
    for (const file of files.splice(0)) closeSync(file);
    console.log("free again");
    return;
  }
  try {
    for (;;) files.push(openSync("/dev/null", "r"));
  } catch {
    console.log("none left");
  }
});
process.once("SIGTERM", () => void edge.server.stop({ graceMs: 100 }).then(() => process.exit(0)));
console.log(`port ${edge.tcp}`);
