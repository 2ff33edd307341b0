import { machineMs } from "../history.ts";
import { codesOf, failures, lastFailureMs, pause, type Scenario, settled } from "../scenario.ts";

/** kill -9 of one of three backends. */
export const backendKilled: Scenario = {
  name: "backend killed",
  async run(stage) {
    const { leaseMs } = stage.pace;
    const cluster = await stage.cluster();
    const [gate, ...ledgers] = await Promise.all([
      cluster.start("gate-1", "gate"),
      ...["ledger-1", "ledger-2", "ledger-3"].map((id) => cluster.start(id, "ledger")),
    ]);
    const load = await cluster.load({ gates: [gate.address] });
    await settled(load);
    // One that a session is stuck to.
    const home = load.asked.findLast(({ client, outcome }) => client === "stuck-6" && outcome === "ok")?.server;
    const victim = ledgers.find(({ name }) => name === home);
    await settled(load, victim);
    const killedAtMs = machineMs();
    await victim?.end("SIGKILL");
    await pause(leaseMs + 3_000);
    await load.end();

    const inFlight = failures(load.asked, ["any", "keyed", "owned", "stuck"]).filter(({ sentMs }) => sentMs < killedAtMs);
    stage.says(
      "in flight, and failed",
      codesOf(inFlight),
      "unavailable",
      inFlight.every(({ outcome }) => outcome === "unavailable"),
    );
    stage.took("what was in flight has failed", lastFailureMs(inFlight, killedAtMs), 500);
    const failed = failures(load.asked, ["any", "keyed", "owned", "stuck"], killedAtMs);
    stage.says(
      "failed in all",
      codesOf(failed),
      "unavailable",
      failed.every(({ outcome }) => outcome === "unavailable"),
    );
    const hurt = new Set(failed.map(({ kind }) => kind)).size;
    stage.says("ways to it that failed (any may have had nothing under way)", hurt, "3 or 4", hurt >= 3);
    for (const [kind, limitMs] of [
      ["any", 1_000],
      ["stuck", leaseMs + 1_000],
      ["keyed", leaseMs + 1_000],
      ["owned", leaseMs + 1_000],
    ] as const) {
      stage.took(`errors of ${kind} end`, lastFailureMs(failures(load.asked, [kind]), killedAtMs), limitMs);
    }
    await stage.judge(cluster);
  },
};
