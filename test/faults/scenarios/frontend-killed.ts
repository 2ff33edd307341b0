import { until } from "../cluster.ts";
import { machineMs } from "../history.ts";
import { codesOf, everyKind, failures, pause, type Scenario } from "../scenario.ts";

/** kill -9 of one of two frontends, with clients that come back elsewhere, and some that do not. */
export const frontendKilled: Scenario = {
  name: "frontend killed",
  async run(stage) {
    const { leaseMs } = stage.pace;
    const cluster = await stage.cluster();
    const [victim, other] = await Promise.all([
      cluster.start("gate-1", "gate"),
      cluster.start("gate-2", "gate"),
      ...["ledger-1", "ledger-2"].map((id) => cluster.start(id, "ledger")),
    ]);
    const [there, both] = [[victim.address], [victim.address, other.address]];
    const some = await cluster.load({
      gates: there,
      users: true,
      comesBack: false,
      name: "lost-",
      clients: ["any", "any", "any"],
    });
    const load = await cluster.load({ gates: both, users: true });
    const bound = async (): Promise<readonly string[]> => {
      const { kvs } = await cluster.raw.getAll().prefix("/faults/users/").exec();
      return kvs.map(({ value }) => JSON.parse(value.toString()).frontend as string);
    };
    await until("all users are bound", 10_000, async () => (await bound()).length === 13);
    const here = (await bound()).filter((frontend) => frontend === "gate-1").length;
    stage.says("users at the frontend before", here, "8", here === 8);
    await pause(500);
    const killedAtMs = machineMs();
    await victim.end("SIGKILL");
    const backMs = await until(
      "clients are back",
      15_000,
      () => load.resets >= 5 && load.asked.slice(-50).every(({ outcome }) => outcome !== "unavailable"),
    );
    stage.took("its clients are in elsewhere", backMs, 5_000);
    await until("its bindings are gone", leaseMs * 3, async () => !(await bound()).includes("gate-1"));
    stage.took("its bindings are gone", machineMs() - killedAtMs, leaseMs + 2_000);
    const left = await bound();
    stage.says(
      "users at the other afterwards",
      left.length,
      "10",
      left.length === 10 && left.every((frontend) => frontend === "gate-2"),
    );
    await some.end();
    await load.end();
    const failed = failures([...load.asked, ...some.asked], everyKind, killedAtMs);
    stage.says(
      "requests of its clients that failed",
      codesOf(failed),
      "unavailable",
      failed.every(({ outcome }) => outcome === "unavailable"),
    );
    const unhurt = load.asked.filter(({ client, outcome }) => Number(client.split("-")[1]) % 2 === 1 && outcome !== "ok");
    stage.says("requests of the other's clients that failed", codesOf(unhurt), "0", unhurt.length === 0);
    await stage.judge(cluster);
  },
};
