import type { Scenario } from "./scenario.ts";
import { backendKilled } from "./scenarios/backend-killed.ts";
import { clockSteps } from "./scenarios/clock-steps.ts";
import { etcdAway } from "./scenarios/etcd-away.ts";
import { etcdCompacted } from "./scenarios/etcd-compacted.ts";
import { frontendKilled } from "./scenarios/frontend-killed.ts";
import { leaseRevoked } from "./scenarios/lease-revoked.ts";
import { partition } from "./scenarios/partition.ts";
import { rollingRestart } from "./scenarios/rolling-restart.ts";
import { serverFrozen } from "./scenarios/server-frozen.ts";
import { slowPeer } from "./scenarios/slow-peer.ts";

/** For every run of the tests: less than a minute in all. */
export const quickScenarios: readonly Scenario[] = [etcdAway({ how: "killed", downMs: 1_000 }), backendKilled, rollingRestart];

/** All of them. @param long Also those that take many minutes. */
export function scenarios({ long }: { readonly long: boolean }): readonly Scenario[] {
  return [
    etcdAway({ how: "killed", downMs: 1_000 }),
    etcdAway({ how: "killed", downMs: 30_000 }),
    ...(long ? [etcdAway({ how: "killed", downMs: 600_000 })] : []),
    etcdAway({ how: "emptied", downMs: 1_000 }),
    etcdAway({ how: "frozen", downMs: 30_000 }),
    etcdCompacted,
    leaseRevoked,
    serverFrozen,
    backendKilled,
    frontendKilled,
    partition("to the backend"),
    partition("to the frontend"),
    partition("both ways"),
    rollingRestart,
    slowPeer,
    clockSteps,
  ];
}
