import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { systemClock, systemRandom } from "../../clock/index.ts";
import type { Discovery, ServerInfo } from "../../discovery/index.ts";
import { createRecordSeal, etcd, type RecordSeal } from "../../discovery/index.ts";
import { NanoError } from "../../error/index.ts";
import { silentLogger } from "../../logger/index.ts";
import { CommandError } from "../command.ts";

/** How a cluster is reached. */
export interface ClusterAccess {
  readonly endpoints: string;
  readonly prefix: string;
  readonly tokens: readonly string[];
}

/** The flags of all commands that reach a cluster. */
export const clusterOptions = {
  etcd: { type: "string" },
  prefix: { type: "string", default: "/nano" },
  "token-file": { type: "string" },
} as const;

export const clusterHelp = `  --etcd ENDPOINTS   as 10.0.0.1:2379,10.0.0.2:2379, or nano-cli's own registry
  --prefix PREFIX    the cluster's (default: /nano)
  --token-file FILE  its token, where it has one`;

/** Reads flags. Throws a CommandError. */
export function readFlags<O extends NonNullable<Parameters<typeof parseArgs>[0]>["options"]>(
  args: readonly string[],
  options: O,
  command: string,
) {
  try {
    return parseArgs({ args: [...args], options: options as NonNullable<O>, allowPositionals: true });
  } catch (reason) {
    throw new CommandError(`${words(reason)} (see nano-cli ${command} --help)`);
  }
}

/** How the cluster is reached that flags name. Throws a CommandError where they name none. */
export function accessOf(
  flags: { readonly etcd?: string | undefined; readonly prefix: string; readonly "token-file"?: string | undefined },
  command: string,
): ClusterAccess {
  const { etcd: endpoints, prefix, "token-file": file } = flags;
  if (endpoints === undefined) throw new CommandError(`--etcd ENDPOINTS is missing (see nano-cli ${command} --help)`);
  return { endpoints, prefix, tokens: file === undefined ? [] : [tokenIn(file)] };
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (reason) {
    throw new CommandError(`the token cannot be read: ${words(reason)}`);
  }
}

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
    throw new CommandError(NanoError.from(reason).message);
  }
  return { servers: servers.toSorted((one, other) => (one.id < other.id ? -1 : 1)), refused: refused.size };
}

function words(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
