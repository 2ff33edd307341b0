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
    const any = failures(load.asked, ["any"]);
    stage.says("requests to any that failed", codesOf(any), "0", any.length === 0);
    // Whoever has no record is gone, until it has one again.
    const others = failures(load.asked, ["keyed", "owned", "stuck"]);
    const fit = others.every(({ outcome }) => outcome === "unavailable");
    stage.says("requests by key and sticky that failed", codesOf(others), "unavailable", fit);
    stage.took("errors by key and sticky end", lastFailureMs(others, revokedAtMs), 1_500);
    await stage.judge(cluster);
  },
};
