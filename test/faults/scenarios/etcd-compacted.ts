import { startProxy } from "../../discovery/proxy.ts";
import { until } from "../cluster.ts";
import { codesOf, everyKind, failures, pause, type Scenario } from "../scenario.ts";

/** A gate misses what changes in etcd, and cannot be told any more: those revisions are compacted away. */
export const etcdCompacted: Scenario = {
  name: "etcd compacted",
  async run(stage) {
    const cluster = await stage.cluster();
    const way = await startProxy(cluster.etcd.endpoint);
    stage.atEnd(() => way.close());
    const [gate] = await Promise.all([
      cluster.start("gate-1", "gate", { endpoint: way.endpoint }),
      ...["ledger-1", "ledger-2"].map((id) => cluster.start(id, "ledger")),
    ]);
    const load = await cluster.load({ gates: [gate.address] });
    await pause(500);
    way.cut();
    const late = await cluster.start("ledger-3", "ledger");
    const { header } = await cluster.raw.getAll().prefix("/faults/").exec();
    await cluster.raw.kv.compact({ revision: header.revision, physical: true });
    const blindAsked = load.asked.length;
    await pause(300);
    const unseen = load.asked.slice(blindAsked).filter(({ server }) => server === late.name).length;
    stage.says("requests to a server that the gate cannot know", unseen, "0", unseen === 0);
    way.heal();
    const tookMs = await until("the gate knows", 15_000, () => load.asked.some(({ server }) => server === late.name));
    stage.took("the gate has found the server that it had missed", tookMs, 3_000);
    await load.end();
    const failed = failures(load.asked, everyKind);
    stage.says("requests that failed", codesOf(failed), "0", failed.length === 0);
    await stage.judge(cluster);
  },
};
