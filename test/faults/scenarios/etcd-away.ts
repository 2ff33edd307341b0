import { until } from "../cluster.ts";
import { type Asked, machineMs } from "../history.ts";
import { codesOf, failures, lastFailureMs, pause, type Scenario, settled } from "../scenario.ts";

interface Away {
  readonly downMs: number;
  /** "killed": kill -9. "emptied": the same, and it has lost everything. "frozen": SIGSTOP. */
  readonly how: "killed" | "emptied" | "frozen";
}

// By then everything is as it was.
const backMs = 3_000;

/** What becomes of a cluster whose etcd is gone for a while. */
export function etcdAway({ downMs, how }: Away): Scenario {
  return {
    name: `etcd ${how} for ${downMs / 1_000} s`,
    async run(stage) {
      const { leaseMs } = stage.pace;
      const cluster = await stage.cluster();
      const [gate] = await Promise.all([
        cluster.start("gate-1", "gate"),
        ...["ledger-1", "ledger-2", "ledger-3"].map((id) => cluster.start(id, "ledger")),
      ]);
      const ids = ["gate-1", "ledger-1", "ledger-2", "ledger-3"];
      await until("all are registered", 10_000, async () => (await cluster.registered()).size === ids.length);
      const before = await cluster.registered();
      const load = await cluster.load({ gates: [gate.address] });
      await settled(load);

      const downAtMs = machineMs();
      if (how === "frozen") cluster.etcd.child.process.kill("SIGSTOP");
      else await cluster.etcd.kill();
      // One that starts while nobody can tell it of the others waits for them.
      const patientMs = 8_000;
      await pause(Math.max(0, downMs - patientMs));
      const late = downMs > 3_000 ? cluster.start("ledger-4", "ledger") : undefined;
      late?.catch(() => {});
      await pause(downMs - (machineMs() - downAtMs));
      if (how === "frozen") cluster.etcd.child.process.kill("SIGCONT");
      else await cluster.etcd.restart({ empty: how === "emptied" });
      const upAtMs = machineMs();

      stage.took(
        "all are registered again",
        await until("all are registered", 15_000, async () => {
          const now = await cluster.registered();
          return ids.every((id) => now.has(id));
        }),
        3_000,
      );
      if (late) {
        await late;
        stage.took("a server that was started meanwhile is in", machineMs() - upAtMs, 3_000);
      }
      // An old record whose lease runs out would be gone by then.
      await pause(leaseMs + 2_000);
      const after = await cluster.registered();
      stage.says(
        "records that are there a lease later",
        [...after.keys()].filter((id) => ids.includes(id)).length,
        "4",
        ids.every((id) => after.has(id)),
      );
      const same = ids.filter((id) => after.get(id)?.incarnation === before.get(id)?.incarnation).length;
      stage.says("servers that are who they were", same, "4", same === 4);
      await load.end();

      const others = failures(load.asked, ["any", "keyed", "stuck"]);
      stage.says("requests to any, by key and sticky that failed", codesOf(others), "0", others.length === 0);
      judgeOwned(failures(load.asked, ["owned"]));
      await stage.judge(cluster);

      // A home that cannot tell whether it still is one says so when 0.8 of its lease have passed since it was renewed; that is done every fifth of it.
      function judgeOwned(failed: readonly Asked[]): void {
        const line = "requests by owned key that failed";
        const awayMs = upAtMs - downAtMs + backMs;
        if (how !== "emptied" && awayMs < leaseMs * 0.6) return stage.says(line, codesOf(failed), "0", failed.length === 0);
        const early = failed.filter(({ endedMs = 0 }) => how !== "emptied" && endedMs < downAtMs + leaseMs * 0.4);
        const wrong = failed.filter(({ outcome }) => outcome !== "unavailable" && outcome !== "deadline_exceeded");
        stage.says(line, codesOf(failed), "unavailable, once the lease cannot be renewed", early.length + wrong.length === 0);
        stage.took("owned keys are answered again", lastFailureMs(failed, upAtMs), backMs);
      }
    },
  };
}
