import { readFileSync } from "node:fs";
import { until } from "../cluster.ts";
import type { Asked } from "../history.ts";
import { codesOf, failures, pause, type Scenario } from "../scenario.ts";

// It reads for so long in each round, and sleeps the rest.
const [awakeMs, roundMs] = [20, 500];
const mib = 1_048_576;

/** One backend that reads slowly, and is asked for more than it can take, beside two that are fast. */
export const slowPeer: Scenario = {
  name: "a slow peer",
  async run(stage) {
    const cluster = await stage.cluster();
    const [gate, slow] = await Promise.all([
      cluster.start("gate-1", "gate"),
      ...["ledger-1", "ledger-2", "ledger-3"].map((id) => cluster.start(id, "ledger")),
    ]);
    const probe = await cluster.load({ gates: [gate.address], name: "probe-", clients: ["keyed"], everyMs: 10 });
    await until(
      "it is known where the keys lead",
      10_000,
      () => new Set(probe.asked.filter(({ outcome }) => outcome === "ok").map(({ key }) => key)).size === 24,
    );
    await probe.end();
    const keysOf = (isSlow: boolean): string[] => [
      ...new Set(probe.asked.filter(({ server }) => (server === slow?.name) === isSlow).map(({ key }) => key)),
    ];
    const fast = await cluster.load({
      gates: [gate.address],
      name: "fast-",
      clients: Array(6).fill("keyed"),
      keys: keysOf(false),
    });
    await pause(5_000);
    const [quiet, rssBefore] = [nineOfTen(fast.asked), rssBytes(gate.child.process.pid)];
    const calmCount = fast.asked.length;

    let over = false;
    const naps = (async () => {
      while (!over) {
        slow?.signal("SIGSTOP");
        await pause(roundMs - awakeMs);
        slow?.signal("SIGCONT");
        await pause(awakeMs);
      }
    })();
    const flood = await cluster.load({
      ...{ gates: [gate.address], name: "slow-", clients: Array(12).fill("keyed"), keys: keysOf(true) },
      ...{ loadBytes: 16_384, everyMs: 20 },
    });
    await pause(8_000);
    const rssGrown = rssBytes(gate.child.process.pid) - rssBefore;
    const during = fast.asked.slice(calmCount);
    over = true;
    await naps;
    await flood.end();
    await fast.end();
    const failed = failures(during, ["keyed"]);
    stage.says("requests to the fast that failed", codesOf(failed), "0", failed.length === 0);
    const refused = failures(flood.asked, ["keyed"]);
    const fit = refused.every(({ outcome }) =>
      ["resource_exhausted", "deadline_exceeded", "unavailable"].includes(outcome ?? ""),
    );
    stage.says(
      "requests to the slow that failed",
      `${codesOf(refused)} of ${flood.asked.length}`,
      "resource_exhausted, deadline_exceeded",
      fit,
    );
    stage.took("9 of 10 answers of the fast came within", nineOfTen(during), Math.max(100, Math.ceil(quiet * 2)));
    stage.says("the gate grew by", `${Math.round(rssGrown / mib)} MiB`, "128 MiB", rssGrown < 128 * mib);
    await stage.judge(cluster);
  },
};

function nineOfTen(asked: readonly Asked[]): number {
  const times = asked.flatMap(({ sentMs, endedMs }) => (endedMs === undefined ? [] : [endedMs - sentMs])).sort((a, b) => a - b);
  return times[Math.floor(times.length * 0.9)] ?? 0;
}

function rssBytes(pid: number | undefined): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(line?.[1]) * 1_024;
}
