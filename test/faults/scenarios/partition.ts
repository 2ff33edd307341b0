import { startProxy } from "../../discovery/proxy.ts";
import { until } from "../cluster.ts";
import { machineMs } from "../history.ts";
import { at, createNetwork, whyNoNamespaces } from "../namespaces.ts";
import { codesOf, failures, lastFailureMs, pause, type Scenario, settled } from "../scenario.ts";

const cutMs = 15_000;

/** A frontend and one of its backends cannot reach each other, while everyone else reaches both. */
export function partition(way: "to the backend" | "to the frontend" | "both ways"): Scenario {
  return {
    name: `partition, ${way}`,
    unfit: whyNoNamespaces(),
    async run(stage) {
      const cluster = await stage.cluster();
      const network = createNetwork();
      stage.atEnd(() => network.close());
      const etcd = await startProxy(cluster.etcd.endpoint, network.hub);
      stage.atEnd(() => etcd.close());
      const places = [network.place(), network.place(), network.place()] as const;
      const [frontend, backend] = places;
      const [gate, hidden] = await Promise.all([
        cluster.start("gate-1", "gate", at(frontend, etcd.endpoint)),
        cluster.start("ledger-1", "ledger", at(backend, etcd.endpoint)),
        cluster.start("ledger-2", "ledger", at(places[2], etcd.endpoint)),
      ]);
      const load = await cluster.load({ gates: [gate.address] });
      await settled(load, hidden);
      const cutAtMs = machineMs();
      if (way !== "to the frontend") network.wall(frontend, backend);
      if (way !== "to the backend") network.wall(backend, frontend);
      await pause(cutMs);
      network.heal();
      const healedAtMs = machineMs();
      await until("it is asked again", 20_000, () =>
        load.asked.some(({ server, endedMs = 0 }) => server === hidden.name && endedMs > healedAtMs),
      );
      const backMs = machineMs() - healedAtMs;
      await pause(5_000);
      await load.end();

      const any = failures(load.asked, ["any"]).filter(({ endedMs = 0 }) => endedMs < healedAtMs);
      stage.says("requests to any that failed", codesOf(any), "unavailable, deadline_exceeded", any.every(expected));
      stage.took("errors of any end (the peer is down)", lastFailureMs(any, cutAtMs), 7_000);
      const others = failures(load.asked, ["keyed", "owned", "stuck"]);
      stage.says(
        "by key and sticky",
        codesOf(others),
        "some, unavailable or deadline_exceeded",
        others.length > 0 && others.every(expected),
      );
      stage.took(
        "the longest that one waited",
        Math.max(...load.asked.map(({ sentMs, endedMs = 0 }) => endedMs - sentMs)),
        5_500,
      );
      stage.took("it is asked again", backMs, 3_000);
      stage.took("the last error by key or sticky after the end", lastFailureMs(others, healedAtMs), 3_000);
      await stage.judge(cluster);
    },
  };
}

function expected({ outcome }: { readonly outcome?: string }): boolean {
  return outcome === "unavailable" || outcome === "deadline_exceeded";
}
