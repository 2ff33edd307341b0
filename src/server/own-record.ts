import { mustFit, type ServerInfo, type ServerState } from "../discovery/index.ts";
import { protocolVersion } from "../link/index.ts";
import type { Base } from "./base.ts";

/** What discovery is told of a server, as it stands. */
export interface OwnRecord {
  readonly info: ServerInfo;
  /** Where the cluster port listens; undefined: nowhere yet. */
  clusterAddress: string | undefined;
  /** Replaces the application's metadata. Throws `invalid_argument`, and leaves what was there, where the record would be too large. */
  setMetadata(metadata: Readonly<Record<string, string>>): void;
}

/** What a record is made of. */
export interface OwnRecordOptions {
  readonly base: Base;
  readonly version: string | undefined;
  /** What the others dial, where it is not the address that the cluster port listens on. */
  readonly advertise: string | undefined;
  readonly schemaHash: string;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly state: () => ServerState;
  /** What the server itself tells beside the application's metadata. */
  readonly ownMetadata: () => Readonly<Record<string, string>>;
}

/** A record without an address. */
export function createOwnRecord(options: OwnRecordOptions): OwnRecord {
  const { id, incarnation, types, isFrontend } = options.base;
  let metadata = options.metadata ?? {};

  const info = (): ServerInfo => ({
    ...{ id, incarnation, types },
    version: options.version ?? "",
    frontend: isFrontend,
    addresses: record.clusterAddress ? [options.advertise ?? record.clusterAddress] : [],
    state: options.state(),
    protocol: protocolVersion,
    schema: options.schemaHash,
    metadata: { ...metadata, ...options.ownMetadata() },
  });

  const record: OwnRecord = {
    get info() {
      return info();
    },
    clusterAddress: undefined,
    setMetadata(next) {
      mustFit({ ...info(), metadata: next });
      metadata = { ...next };
    },
  };
  return record;
}
