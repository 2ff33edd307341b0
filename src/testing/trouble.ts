import type { Client } from "../client/index.ts";
import type { Random } from "../clock/index.ts";
import type { Fault, TestCluster } from "./test-cluster.ts";
import type { TestMembers } from "./test-members.ts";

/**
 * What may happen.
 *
 * - `drop`: a client's socket breaks; either both ends see it, or one alone: then the client is back while its old socket still stands, or its server waits for nobody.
 * - `link`: the streams between two servers break, seen by both or by one.
 * - `delay`: bytes between two servers, or a client and its frontend, take up to half a second longer.
 * - `cut`: bytes between them are lost.
 * - `crash`: a server is killed, and started again, before its lease is over or after.
 * - `discovery`: a server does not reach what the cluster remembers.
 */
export type FaultKind = "drop" | "link" | "delay" | "cut" | "crash" | "discovery";

/** Which faults come, how often and how long. */
export interface TroubleOptions {
  /** The default is all. */
  readonly kinds?: readonly FaultKind[];
  /** How much lies between two, on average, in milliseconds. The default is 500. */
  readonly everyMs?: number;
  /** How long one lasts at most, in milliseconds. The default is 6000: a link that is down for 5 s is given up. A crashed server stays away twice as long at most. */
  readonly lastsMs?: number;
  /** How many may last at the same time. The default is 2. */
  readonly atOnce?: number;
  /** Between whom `delay` and `cut` come: clients and their frontends, servers, or both. The default is both. */
  readonly between?: "clients" | "servers" | "both";
}

/** What is troubled. */
export interface Troubled {
  readonly cluster: TestCluster;
  readonly members: TestMembers;
  readonly clients: readonly { readonly client: Client; readonly name: string; readonly frontends: readonly string[] }[];
  readonly random: Random;
}

const allKinds: readonly FaultKind[] = ["drop", "link", "delay", "cut", "crash", "discovery"];
const mostDelayMs = 500;

/** Faults for so long; then all is healed. */
export async function makeTrouble(troubled: Troubled, ms: number, options: TroubleOptions = {}): Promise<void> {
  const { cluster, members, clients, random } = troubled;
  const { kinds = allKinds, everyMs = 500, lastsMs = 6_000, atOnce = 2, between = "both" } = options;
  const lasting = new Set<{ readonly what: string; readonly endsAtMs: number; end(): Promise<unknown> }>();

  function upTo(most: number): number {
    return Math.floor(random.next() * most);
  }

  function oneOf<T>(all: readonly T[]): T | undefined {
    return all[upTo(all.length)];
  }

  function twoServers(): readonly [string, string] | undefined {
    const one = oneOf(members.ids);
    const other = oneOf(members.ids.filter((id) => id !== one));
    return one !== undefined && other !== undefined ? [one, other] : undefined;
  }

  /** Two servers, or a client and a frontend of it. */
  function pair(): readonly [string | Client, string] | undefined {
    if (between === "servers" || (between === "both" && random.next() < 0.5)) return twoServers();
    const one = oneOf(clients);
    const frontend = oneOf(one?.frontends.filter((id) => members.ids.includes(id)) ?? []);
    return one && frontend !== undefined ? [one.client, frontend] : undefined;
  }

  /** Begins one, unless the very same lasts already. */
  function last(kind: FaultKind, at: readonly (string | Client)[], begin: () => Fault): void {
    const what = [kind, ...at.map((one) => (typeof one === "string" ? one : nameOf(one))).sort()].join(" ");
    if ([...lasting].some((one) => one.what === what)) return;
    const fault = begin();
    lasting.add({ what, endsAtMs: cluster.now + upTo(lastsMs), end: () => fault.heal() });
  }

  function nameOf(client: Client): string {
    return clients.find((one) => one.client === client)?.name ?? "";
  }

  function happen(kind: FaultKind): void {
    const mayLast = lasting.size < atOnce;
    switch (kind) {
      case "drop": {
        const one = oneOf(clients);
        if (one) cluster.drop(one.client, oneOf([undefined, "client", "server"]));
        break;
      }
      case "link": {
        const two = twoServers();
        if (two) cluster.dropLink(...two, oneOf([undefined, ...two]));
        break;
      }
      case "delay": {
        const two = mayLast ? pair() : undefined;
        if (two) last(kind, two, () => cluster.delay(...two, 1 + upTo(mostDelayMs)));
        break;
      }
      case "cut": {
        const two = mayLast ? pair() : undefined;
        if (two) last(kind, two, () => cluster.cut(...two));
        break;
      }
      case "crash": {
        const id = mayLast && members.crashed.length === 0 ? oneOf(members.ids) : undefined;
        if (id === undefined) break;
        cluster.crash(id);
        lasting.add({ what: "crash", endsAtMs: cluster.now + upTo(2 * lastsMs), end: () => cluster.restart(id) });
        break;
      }
      case "discovery": {
        const id = mayLast ? oneOf(members.ids) : undefined;
        if (id !== undefined) last(kind, [id], () => cluster.cutDiscovery(id));
        break;
      }
    }
  }

  async function mend(untilMs: number): Promise<void> {
    for (const one of [...lasting]) {
      if (one.endsAtMs > untilMs) continue;
      lasting.delete(one);
      await one.end();
    }
  }

  const untilMs = cluster.now + ms;
  for (let nextMs = cluster.now; cluster.now < untilMs; ) {
    const ends = [...lasting].map(({ endsAtMs }) => endsAtMs);
    await cluster.advance(Math.max(0, Math.min(nextMs, untilMs, ...ends) - cluster.now));
    await mend(cluster.now);
    if (cluster.now < nextMs || cluster.now >= untilMs) continue;
    const kind = oneOf(kinds);
    if (kind) happen(kind);
    nextMs = cluster.now + 1 + upTo(2 * everyMs);
  }
  await mend(Number.POSITIVE_INFINITY);
}
