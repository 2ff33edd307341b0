import { systemClock, systemRandom } from "../clock/index.ts";
import { createRecordSeal, type Discovery, type DiscoveryHost, type Membership, type ServerInfo } from "../discovery/index.ts";
import { silentLogger } from "../logger/index.ts";

/** A server as one that joins discovery to look at it, with what it hears. */
export class CheckedMember {
  readonly self: ServerInfo;
  /** Every list that it was told. */
  readonly lists: (readonly ServerInfo[])[] = [];
  readonly fences: bigint[] = [];
  readonly availability: boolean[] = [];
  #membership: Membership | undefined;

  constructor(self: ServerInfo) {
    this.self = self;
  }

  get membership(): Membership {
    if (!this.#membership) throw new Error("join did not resolve");
    return this.#membership;
  }

  async join(discovery: Discovery, schema: Uint8Array | undefined): Promise<void> {
    const host: DiscoveryHost = { clock: systemClock, random: systemRandom, log: silentLogger, seal: createRecordSeal([]) };
    const events = {
      changed: (servers: readonly ServerInfo[]) => void this.lists.push(servers),
      fenced: (by: bigint) => void this.fences.push(by),
      available: (available: boolean) => void this.availability.push(available),
    };
    this.#membership = await discovery.join(this.self, schema, events, host);
  }

  /** The ids that it knows now, in order. */
  get ids(): string {
    return (this.lists.at(-1) ?? [])
      .map(({ id }) => id)
      .sort()
      .join(", ");
  }

  find(id: string): ServerInfo | undefined {
    return this.lists.at(-1)?.find((server) => server.id === id);
  }

  async leave(): Promise<void> {
    await this.#membership?.leave();
  }
}

let incarnations = 0n;

/** A server's record, with what a step cares about. */
export function recordOf(id: string, more: Partial<ServerInfo> = {}): ServerInfo {
  const incarnation = (new DataView(systemRandom.bytes(8).buffer).getBigUint64(0) & ~0xffffn) + (++incarnations & 0xffffn);
  return {
    ...{ id, incarnation, types: ["room"], version: "1.2.3", frontend: false, addresses: ["10.0.0.1:4000"] },
    ...{ state: "ready", protocol: 1, schema: "", metadata: {} },
    ...more,
  };
}

/** The first field in which a record differs from what it should be. */
export function differsIn(record: ServerInfo | undefined, expected: ServerInfo): string | undefined {
  if (!record) return "everything: it is not there";
  const fields = Object.keys(expected) as (keyof ServerInfo)[];
  return fields.find((field) => textOf(record[field]) !== textOf(expected[field]));
}

function textOf(value: ServerInfo[keyof ServerInfo]): string {
  if (typeof value === "bigint") return `${value}`;
  if (typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
}
