import { randomBytes } from "node:crypto";
import { etcd, type Membership, type ServerInfo, silentLogger } from "nano-rpc";
import { systemClock, systemRandom } from "../src/clock/index.ts";
import { createRecordSeal } from "../src/discovery/index.ts";
import { gateType } from "./gate.ts";
import type { KitOptions } from "./options.ts";
import { openProbe, type Probe } from "./probe.ts";

/** A probe that is one of the cluster, as a frontend. */
export interface ProbeMember {
  readonly probe: Probe;
  /** Its record goes. */
  hide(): Promise<void>;
  /** Its record is there again. */
  show(): Promise<void>;
  /** It is gone, record and port, and no server hears of it. */
  die(): Promise<void>;
}

/**
 * A new incarnation of the frontend with that id: one that is there has lost its id.
 *
 * @param changed Told of all servers, whenever one has changed.
 */
export async function enterProbe(
  { endpoints, prefix, tokens, host }: KitOptions,
  id: string,
  changed: (servers: readonly ServerInfo[]) => void = () => {},
): Promise<ProbeMember> {
  const holder = { id, incarnation: randomBytes(8).readBigUInt64BE() || 1n };
  const probe = await openProbe(holder, host, tokens);
  const self: ServerInfo = {
    ...{ ...holder, types: [gateType], version: "", frontend: true, addresses: [probe.address] },
    ...{ state: "ready", protocol: 1, schema: "", metadata: {} },
  };
  const events = { changed, fenced: () => {}, available: () => {} };
  const services = { clock: systemClock, random: systemRandom, log: silentLogger, seal: createRecordSeal(tokens) };
  const join = (): Promise<Membership> => etcd({ endpoints, prefix }).join(self, undefined, events, services);
  let membership: Membership;
  try {
    membership = await join();
  } catch (reason) {
    await probe.close();
    throw reason;
  }
  return {
    probe,
    hide: () => membership.leave(),
    async show() {
      membership = await join();
    },
    async die() {
      await membership.leave();
      await probe.close();
    },
  };
}
