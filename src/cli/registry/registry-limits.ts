/** How much a registry holds. */
export interface RegistryLimits {
  /** The largest request, in bytes. The default is etcd's: 1.5 MiB. */
  readonly requestBytes: number;
  /** Operations of a transaction on one level. The default is etcd's: 128. */
  readonly operations: number;
  /** Operations of a transaction on all levels. The default is 4096. */
  readonly nestedOperations: number;
  /** Keys and values with all their versions, and 200 for each version, in bytes. The default is 256 MiB. */
  readonly dataBytes: number;
  /** Revisions that are kept; beyond, the older half is compacted. The default is 100,000. */
  readonly historyRevisions: number;
  /** Keys and values of the revisions that are kept, counted alike, in bytes; beyond, the older half is compacted. The default is 64 MiB. */
  readonly historyBytes: number;
  /** The default is 100,000. */
  readonly leases: number;
  /** The default is 10,000. */
  readonly watches: number;
  /** The default is 1,000. */
  readonly connections: number;
}

/** What holds where nothing else is said. */
export const defaultLimits: RegistryLimits = {
  requestBytes: 1.5 * 1_048_576,
  operations: 128,
  nestedOperations: 4_096,
  dataBytes: 256 * 1_048_576,
  historyRevisions: 100_000,
  historyBytes: 64 * 1_048_576,
  leases: 100_000,
  watches: 10_000,
  connections: 1_000,
};
