import { systemClock, systemRandom } from "../../clock/index.ts";
import type { Discovery, ServerInfo } from "../../discovery/index.ts";
import { createRecordSeal, etcd, type RecordSeal } from "../../discovery/index.ts";
import { silentLogger } from "../../logger/index.ts";
import { CommandError } from "../command.ts";
import { type ClusterAccess, words } from "./cluster-flags.ts";
import { outOfReach } from "./out-of-reach.ts";

/** Discovery of that cluster. Throws a CommandError on what makes no sense. */
export function discoveryOf({ endpoints, prefix }: ClusterAccess): Discovery {
  try {
    return etcd({ endpoints, prefix });
  } catch (reason) {
    throw new CommandError(words(reason));
  }
}

/** What discovery holds, and how many records it holds that are none of this cluster's. Looks on: it writes nothing. Rejects with a CommandError. */
export async function serversOf(
  access: ClusterAccess,
): Promise<{ readonly servers: readonly ServerInfo[]; readonly refused: number }> {
  const seal = createRecordSeal(access.tokens);
  // A record may be read more than once.
  const refused = new Set<string>();
  let servers: readonly ServerInfo[] = [];
  // It has no type, and so no record.
  const nobody: ServerInfo = {
    ...{ id: "nano-cli", incarnation: 1n, types: [], version: "", frontend: false, addresses: [], state: "starting" },
    ...{ protocol: 1, schema: "", metadata: {} },
  };
  const events = {
    changed: (all: readonly ServerInfo[]) => {
      servers = all.filter(({ types }) => types.length > 0);
    },
    ...{ fenced: () => {}, available: () => {} },
  };
  const noting: RecordSeal = {
    ...seal,
    open(key, value) {
      const read = seal.open(key, value);
      if ("refused" in read) refused.add(key);
      return read;
    },
  };
  try {
    const host = { clock: systemClock, random: systemRandom, log: silentLogger, seal: noting };
    const membership = await discoveryOf(access).join(nobody, undefined, events, host);
    await membership.leave();
  } catch (reason) {
    throw outOfReach(reason);
  }
  return { servers: servers.toSorted((one, other) => (one.id < other.id ? -1 : 1)), refused: refused.size };
}
