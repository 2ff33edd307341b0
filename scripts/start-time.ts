// How long the command lines take to start, from dist/: `npm run build && npm run start-time`. What is seen is shown, not asserted.
import { spawnSync } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

const times = 7;
const programs = ["src/cli/main.js", "src/bot/main.js"].map((path) => fileURLToPath(new URL(`../dist/${path}`, import.meta.url)));

// On a busy machine only CPU tells something: each run says its own when it ends.
const tell = `data:text/javascript,process.on("exit",()=>{const{user,system}=process.cpuUsage();process.stderr.write(String((user+system)/1000))})`;

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

for (const [name, args, wanted = 0] of [
  ["node alone", ["--eval", "0"]],
  ["nano-cli --help", [programs[0] ?? "", "--help"]],
  ["nano-cli talk --help", [programs[0] ?? "", "talk", "--help"]],
  // A whole conversation that comes to nothing: nobody listens there.
  ["nano-cli talk", [programs[0] ?? "", "tcp://127.0.0.1:1", "--json"], 1],
  ["nano-bot --help", [programs[1] ?? "", "--help"]],
] as const) {
  const runs = Array.from({ length: times }, () => {
    const began = performance.now();
    const { status, stderr } = spawnSync(execPath, ["--import", tell, ...args], { encoding: "utf8" });
    if (status !== wanted) throw new Error(`${name} ended with ${status} (npm run build comes first): ${stderr}`);
    return { cpuMs: Number(/[\d.]+$/.exec(stderr)?.[0]), wallMs: performance.now() - began };
  });
  const [cpu, wall] = [median(runs.map(({ cpuMs }) => cpuMs)), median(runs.map(({ wallMs }) => wallMs))];
  console.log(
    `${name.padEnd(22)} CPU ${cpu.toFixed(0).padStart(4)} ms, start to end ${wall.toFixed(0).padStart(4)} ms (median of ${times})`,
  );
}
