import { until } from "../cluster.ts";
import { codesOf, failures, pause, type Scenario } from "../scenario.ts";

/** Every backend is ended by SIGTERM and started again under its id, one after the other, again and again, while clients go on asking. */
export const rollingRestart: Scenario = {
  name: "rolling restart",
  async run(stage) {
    const cluster = await stage.cluster();
    const ids = ["ledger-1", "ledger-2", "ledger-3"];
    const [gate, ...ledgers] = await Promise.all([
      cluster.start("gate-1", "gate"),
      ...ids.map((id) => cluster.start(id, "ledger")),
    ]);
    const load = await cluster.load({
      gates: [gate.address],
      clients: (["any", "keyed", "owned"] as const).flatMap((kind) => [kind, kind, kind, kind]),
    });
    // By contract their server is theirs alone: what they ask once it is gone fails, and they begin anew.
    const stuck = await cluster.load({ gates: [gate.address], name: "stuck-", clients: ["stuck", "stuck"] });
    await until(
      "every key has its home",
      30_000,
      () =>
        new Set(load.asked.filter(({ kind, outcome }) => kind === "owned" && outcome === "ok").map(({ key }) => key)).size ===
        load.keys.length,
    );
    const codes: (number | null)[] = [];
    let slowestMs = 0;
    for (let round = 0; round < stage.pace.rounds; round++) {
      for (const [at, id] of ids.entries()) {
        await pause(500);
        const fromMs = performance.now();
        codes.push((await ledgers[at]?.end("SIGTERM")) ?? null);
        slowestMs = Math.max(slowestMs, performance.now() - fromMs);
        ledgers[at] = await cluster.start(id, "ledger");
      }
    }
    await pause(1_000);
    await load.end();
    await stuck.end();
    stage.says(
      "restarts that ended well",
      codes.filter((code) => code === 0).length,
      `${stage.pace.rounds * ids.length}`,
      codes.every((code) => code === 0),
    );
    const failed = failures(load.asked, ["any", "keyed", "owned"]);
    stage.says(`of ${load.asked.length} requests to any, by key and owned key failed`, codesOf(failed), "0", failed.length === 0);
    const gone = failures(stuck.asked, ["any", "stuck"]);
    const fit = gone.every(({ outcome, kind }) => outcome === "unavailable" && kind === "stuck");
    stage.says(`of ${stuck.asked.length} sticky requests failed`, codesOf(gone), "unavailable, when the server goes", fit);
    stage.took("the longest end of a backend", slowestMs, 10_000);
    await stage.judge(cluster);
  },
};
