// npm run test:leaks [CYCLES [RESUMES]]: clients come and go, or lose their sockets and come back, and the server's heap stays as it was. Exits with 1 where it does not.
import { cycle, type Round } from "./cycles.ts";

// What compiled code and caches may still take; of 100,000 clients 21 bytes each.
const mostGrowthBytes = 2 * 1_048_576;

for (const [at, round] of (["visits", "resumes"] as const).entries()) {
  const cycles = Number(process.argv[2 + at] ?? (round === "visits" ? 100_000 : 10_000));
  if (!(await isFlat(round, cycles))) process.exitCode = 1;
}

async function isFlat(round: Round, cycles: number): Promise<boolean> {
  const warm = Math.max(500, Math.ceil(cycles / 10));
  const { sessions, opened, resumed, beforeBytes, afterBytes } = await cycle(round, {
    warm,
    cycles,
    progress: (done) => {
      if (done % 10_000 === 0) console.log(`${done} ${round}`);
    },
  });
  const grown = afterBytes - beforeBytes;
  const began = `${opened} sessions began, ${resumed} were come back to, ${sessions} are left`;
  const heap = `heap ${mib(beforeBytes)} before, ${mib(afterBytes)} after, ${Math.round(grown / cycles)} bytes each`;
  console.log(`${cycles} ${round} after ${warm}: ${began}; ${heap}`);
  return sessions === 0 && grown <= mostGrowthBytes && (round === "visits" || resumed >= cycles);
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(2)} MiB`;
}
