// npm run test:faults [-- NAME... --long --histories FOLDER]: one fault after the other, on real processes and a real etcd. NAME is a part of a
// scenario's name.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { bring } from "../../scripts/bring.ts";
import { type Line, play } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    long: { type: "boolean", default: false },
    out: { type: "string", default: "faults.json" },
    histories: { type: "string" },
  },
});
bring(
  [
    { command: "etcd", debian: "etcd-server" },
    { command: "ip", debian: "iproute2" },
    { command: "iptables", debian: "iptables" },
    { command: "faketime", debian: "faketime" },
  ],
  "are left out, or fail",
);
// As servers have it by default.
const pace = { leaseMs: 10_000, rounds: 3, keepIn: flags.histories };
const all = scenarios({ long: flags.long });
const chosen = all.filter(({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)));
if (chosen.length === 0) {
  console.error(
    `no fault is named so: there are ${scenarios({ long: true })
      .map(({ name }) => `"${name}"`)
      .join(", ")}`,
  );
  process.exit(2);
}
const lines: Line[] = [];
for (const scenario of chosen) {
  if (scenario.unfit !== undefined) {
    console.log(`${scenario.name}: not run, ${scenario.unfit}`);
    continue;
  }
  console.log(`${scenario.name} ...`);
  for (const line of await play(scenario, pace)) {
    lines.push(line);
    console.log(`  ${line.held ? "held" : "NOT HELD"}  ${line.line}: ${line.seen} (${line.limit})`);
  }
}
const machine = { node: process.version, cores: cpus().length, model: cpus()[0]?.model ?? "", commit: commit() };
writeFileSync(flags.out, `${JSON.stringify({ at: new Date().toISOString(), machine, lines }, undefined, 2)}\n`);
console.log(`\n| line | seen | limit |\n| --- | --- | --- |`);
for (const { line, seen, limit, held } of lines) console.log(`| ${line} | ${held ? "" : "**not held** "}${seen} | ${limit} |`);
const failed = lines.filter(({ held }) => !held).length;
console.log(`\n${lines.length - failed} held, ${failed} not held`);
process.exit(failed > 0 ? 1 : 0);

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "";
  }
}
