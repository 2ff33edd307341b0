import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../cluster.ts";
import { codesOf, everyKind, failures, pause, type Scenario, settled } from "../scenario.ts";

const hourS = 3_600;
const library = findLibrary();

/** The wall clock of a frontend and a backend jumps, under their feet; libfaketime leaves the monotonic one alone. */
export const clockSteps: Scenario = {
  name: "clock steps",
  unfit: library === undefined ? "it needs libfaketime (Debian: apt-get install faketime)" : undefined,
  async run(stage) {
    const { leaseMs } = stage.pace;
    const cluster = await stage.cluster();
    const folder = mkdtempSync(join(tmpdir(), "nano-clock-"));
    const file = join(folder, "offset");
    const step = (seconds: number): void => writeFileSync(file, `${seconds < 0 ? "-" : "+"}${Math.abs(seconds)}s\n`);
    stage.atEnd(() => rmSync(folder, { recursive: true, force: true }));
    step(0);
    const env = {
      ...{ LD_PRELOAD: library ?? "", FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" },
      ...{ FAKETIME_DONT_FAKE_MONOTONIC: "1", DONT_FAKE_MONOTONIC: "1" },
    };
    const [gate] = await Promise.all([
      cluster.start("gate-1", "gate", { env }),
      cluster.start("ledger-1", "ledger", { env }),
      cluster.start("ledger-2", "ledger"),
    ]);
    await until("all are registered", 10_000, async () => (await cluster.registered()).size === 3);
    const before = await cluster.registered();
    const load = await cluster.load({ gates: [gate.address], users: true });
    await settled(load);
    const offsets = [hourS, -hourS, 48 * hourS, 0];
    for (const seconds of offsets) {
      step(seconds);
      await pause(leaseMs * 0.6);
    }
    await pause(leaseMs);
    const after = await cluster.registered();
    const kept = [...before].filter(([id, { lease }]) => after.get(id)?.lease === lease).length;
    stage.says("leases that were kept", kept, "3", kept === 3);
    const { handled, resets } = await cluster.history();
    const seenS = offsets.filter((seconds) =>
      handled.some(({ skewMs, server }) => server.startsWith("ledger-1.") && Math.abs(skewMs - seconds * 1_000) < 2_000),
    );
    stage.says("steps that the backend's clock made", seenS.join(", "), offsets.join(", "), seenS.length === offsets.length);
    stage.says("sessions that were lost", resets, "0", resets === 0);
    const failed = failures(load.asked, everyKind);
    stage.says("requests that failed", codesOf(failed), "0", failed.length === 0);
    await stage.judge(cluster);
  },
};

/** Where Debian puts it, on this kind of machine. */
function findLibrary(): string | undefined {
  if (!existsSync("/usr/lib")) return undefined;
  return readdirSync("/usr/lib")
    .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
    .find((path) => existsSync(path));
}
