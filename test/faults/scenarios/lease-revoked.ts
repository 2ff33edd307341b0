import { until } from "../cluster.ts";
import { machineMs } from "../history.ts";
import { codesOf, failures, lastFailureMs, pause, type Scenario, settled } from "../scenario.ts";

/** Somebody revokes the lease of a server that is well. */
export const leaseRevoked: Scenario = {
  name: "lease revoked",
  async run(stage) {
    const cluster = await stage.cluster();
    const [gate] = await Promise.all([
      cluster.start("gate-1", "gate"),
      ...["ledger-1", "ledger-2", "ledger-3"].map((id) => cluster.start(id, "ledger")),
    ]);
    await until("all are registered", 10_000, async () => (await cluster.registered()).size === 4);
    const before = (await cluster.registered()).get("ledger-1");
    const load = await cluster.load({ gates: [gate.address] });
    await settled(load);
    // As text: a lease has more digits than a number.
    await cluster.raw.leaseClient.leaseRevoke({ ID: before?.lease ?? "0" });
    const revokedAtMs = machineMs();
    const backMs = await until("it is registered again", 15_000, async () => {
      const now = (await cluster.registered()).get("ledger-1");
      return now !== undefined && now.lease !== before?.lease;
    });
    stage.took("it is registered again", backMs, 1_000);
    const after = (await cluster.registered()).get("ledger-1");
    stage.says(
      "it is who it was",
      after?.incarnation === before?.incarnation ? "yes" : "no",
      "yes",
      after?.incarnation === before?.incarnation,
    );
    await pause(1_500);
    await load.end();
    const failed = failures(load.asked, ["any", "keyed", "owned", "stuck"]);
    const others = failed.filter(({ kind }) => kind === "any" || kind === "stuck");
    stage.says("requests to any and sticky that failed", codesOf(others), "0", others.length === 0);
    stage.says(
      "requests by key that failed",
      codesOf(failed.filter(({ kind }) => kind === "keyed" || kind === "owned")),
      "unavailable",
      failed.every(({ outcome }) => outcome === "unavailable"),
    );
    if (failed.length > 0) stage.took("errors by key end", lastFailureMs(failed, revokedAtMs), 1_000);
    await stage.judge(cluster);
  },
};
