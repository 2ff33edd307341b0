// npm run bench [NAME...] [-- --seconds 2 --rounds 3 --connections 64 --clients N --storm-seconds 160]: nano beside the raw limit of the same run.
import { parseArgs } from "node:util";
import { bot } from "./benches/bot.ts";
import { broadcast } from "./benches/broadcast.ts";
import { codec } from "./benches/codec.ts";
import { connect } from "./benches/connect.ts";
import { deploy } from "./benches/deploy.ts";
import type { Effort } from "./benches/echo-cases.ts";
import { forward } from "./benches/forward.ts";
import { frontend } from "./benches/frontend.ts";
import { idle } from "./benches/idle.ts";
import { jitter } from "./benches/jitter.ts";
import { link } from "./benches/link.ts";
import { idleLinks } from "./benches/links.ts";
import { logins } from "./benches/logins.ts";
import { metrics } from "./benches/metrics.ts";
import { traces } from "./benches/traces.ts";
import { workers } from "./benches/workers.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "64" },
    clients: { type: "string" },
    "storm-seconds": { type: "string", default: "160" },
    spread: { type: "string", default: "source" },
  },
});
const benches: Readonly<Record<string, (effort: Effort) => Promise<void>>> = {
  frontend,
  link,
  links: idleLinks,
  forward,
  broadcast,
  idle,
  connect,
  logins,
  metrics,
  traces,
  jitter,
  deploy,
  codec,
  workers,
  bot,
};
const effort = {
  ...{ seconds: Number(flags.seconds), rounds: Number(flags.rounds), connections: Number(flags.connections) },
  ...{
    clients: Number(flags.clients ?? 1_000),
    deployClients: Number(flags.clients ?? 5_000),
    stormSeconds: Number(flags["storm-seconds"]),
  },
  spread: flags.spread === "random" ? ("random" as const) : ("source" as const),
};
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const bench = benches[name];
  if (!bench) {
    console.error(`no benchmark "${name}": there are ${Object.keys(benches).join(", ")}`);
    process.exit(2);
  }
  await bench(effort);
}
