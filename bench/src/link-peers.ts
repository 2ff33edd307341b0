// Many servers in one process, each with a link to the one that is measured: they say nothing that they are not asked.
import { parseArgs } from "node:util";
import { benchHub, benchServer } from "./link-hub.ts";
import { answerUsage } from "./usage.ts";

const { values: flags } = parseArgs({
  options: { port: { type: "string", default: "" }, links: { type: "string", default: "600" } },
});

for (let incarnation = 2; incarnation < Number(flags.links) + 2; incarnation++) {
  const hub = benchHub(BigInt(incarnation), () => {}, true);
  await hub.start({ host: "127.0.0.1", port: 0 });
  await hub.linkTo(benchServer(1n, Number(flags.port)));
}
answerUsage();
process.once("SIGTERM", () => process.exit(0));
console.log("ready {}");
