import { until } from "../cluster.ts";
import { machineMs } from "../history.ts";
import { codesOf, failures, lastFailureMs, pause, type Scenario, settled } from "../scenario.ts";

/** A backend sleeps for three leases (SIGSTOP), then goes on as if nothing had been. */
export const serverFrozen: Scenario = {
  name: "server frozen for three leases",
  async run(stage) {
    const { leaseMs } = stage.pace;
    const cluster = await stage.cluster();
    const [gate, sleeper] = await Promise.all([
      cluster.start("gate-1", "gate"),
      ...["ledger-1", "ledger-2", "ledger-3"].map((id) => cluster.start(id, "ledger")),
    ]);
    const load = await cluster.load({ gates: [gate.address] });
    await settled(load, sleeper);
    const before = (await cluster.registered()).get("ledger-1");
    sleeper?.signal("SIGSTOP");
    const frozenAtMs = machineMs();
    await pause(leaseMs * 3);
    const gone = !(await cluster.registered()).has("ledger-1");
    stage.says("while it sleeps, discovery", gone ? "has forgotten it" : "has it", "has forgotten it", gone);
    sleeper?.signal("SIGCONT");
    const thawedAtMs = machineMs();
    const back = await until("it is registered again", 15_000, async () => {
      const now = (await cluster.registered()).get("ledger-1");
      return now !== undefined && now.lease !== before?.lease;
    });
    stage.took("it is registered again after it woke", back, 2_000);
    await until("it is asked again", 15_000, () =>
      load.asked.some(({ server, sentMs }) => server === sleeper?.name && sentMs > thawedAtMs),
    );
    stage.took("it is asked again after it woke", machineMs() - thawedAtMs, 5_000);
    await pause(2_000);
    await load.end();
    const during = load.asked.filter(({ endedMs = 0 }) => endedMs < thawedAtMs);
    const any = failures(during, ["any"], frozenAtMs);
    const others = failures(during, ["keyed", "owned", "stuck"], frozenAtMs);
    stage.says("requests to any that failed", codesOf(any), "unavailable, deadline_exceeded", any.every(expected));
    stage.took("errors of any end (a silent peer is down)", lastFailureMs(any, frozenAtMs), 7_000);
    stage.says(
      "requests by key and sticky that failed",
      codesOf(others),
      "unavailable, deadline_exceeded",
      others.every(expected),
    );
    stage.took("errors by key and sticky end", lastFailureMs(others, frozenAtMs), leaseMs + 1_000);
    const late = failures(load.asked, ["any", "keyed", "owned", "stuck"], thawedAtMs);
    stage.says("requests that failed after it woke", codesOf(late), "unavailable, deadline_exceeded", late.every(expected));
    if (late.length > 0) stage.took("errors end after it woke", lastFailureMs(late, thawedAtMs), 3_000);
    await stage.judge(cluster);
  },
};

function expected({ outcome }: { readonly outcome?: string }): boolean {
  return outcome === "unavailable" || outcome === "deadline_exceeded";
}
