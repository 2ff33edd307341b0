import { systemClock, systemRandom } from "../../src/clock/index.ts";
import { createRecordSeal, type Discovery, type Membership, type ServerInfo } from "../../src/discovery/index.ts";
import { type Logger, silentLogger } from "../../src/logger/index.ts";

let incarnations = 0n;

/** A server's record, with what a test cares about. */
export function info(id: string, more: Partial<ServerInfo> = {}): ServerInfo {
  return {
    id,
    incarnation: ++incarnations,
    types: ["room"],
    version: "1.2.3",
    frontend: false,
    addresses: ["10.0.0.1:4000"],
    state: "ready",
    protocol: 1,
    schema: "",
    metadata: {},
    ...more,
  };
}

/** A server in a cluster, and what it has heard. */
export interface Member {
  readonly self: ServerInfo;
  readonly membership: Membership;
  /** Every list that it was told. */
  readonly lists: readonly (readonly ServerInfo[])[];
  /** Who took its id. */
  readonly fences: readonly bigint[];
  readonly availability: readonly boolean[];
  readonly warnings: readonly { readonly fields: object; readonly message: string | undefined }[];
  /** The ids that it knows now. */
  readonly ids: readonly string[];
  find(id: string): ServerInfo | undefined;
}

/** Joins, and hears. */
export async function join(discovery: Discovery, self: ServerInfo, schema?: Uint8Array): Promise<Member> {
  const lists: (readonly ServerInfo[])[] = [];
  const fences: bigint[] = [];
  const availability: boolean[] = [];
  const warnings: { fields: object; message: string | undefined }[] = [];
  const log: Logger = { ...silentLogger, warn: (fields, message) => void warnings.push({ fields, message }) };
  const membership = await discovery.join(
    self,
    schema,
    {
      changed: (servers) => void lists.push(servers),
      fenced: (by) => void fences.push(by),
      available: (available) => void availability.push(available),
    },
    { clock: systemClock, random: systemRandom, log, seal: createRecordSeal([]) },
  );
  return {
    ...{ self, membership, lists, fences, availability, warnings },
    get ids() {
      return (lists.at(-1) ?? []).map(({ id }) => id);
    },
    find: (id) => lists.at(-1)?.find((server) => server.id === id),
  };
}
