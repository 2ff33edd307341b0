// npm run test:leaks [CYCLES]: clients come and go, and the server's heap stays as it was. Exits with 1 where it does not.
import { cycle } from "./cycles.ts";

const cycles = Number(process.argv[2] ?? 100_000);
const warm = Math.ceil(cycles / 10);
// What compiled code and caches may still take; of 100,000 clients 21 bytes each.
const mostGrowthBytes = 2 * 1_048_576;
const { sessions, opened, beforeBytes, afterBytes } = await cycle(warm, cycles, (done) => {
  if (done % 10_000 === 0) console.log(`${done} came and went`);
});
const grown = afterBytes - beforeBytes;
console.log(
  `${cycles} after ${warm}: ${opened} sessions began, ${sessions} are left; heap ${mib(beforeBytes)} before, ${mib(afterBytes)} after, ${Math.round(grown / cycles)} bytes a client`,
);
process.exitCode = sessions > 0 || grown > mostGrowthBytes ? 1 : 0;

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(2)} MiB`;
}
