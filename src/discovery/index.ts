export type { Discovery, DiscoveryEvents, DiscoveryHost, Membership, ServerInfo, ServerState } from "./discovery.ts";
export { type EtcdOptions, etcd } from "./etcd.ts";
export { createKeyLease, type KeyLease, type KeyLeaseOptions } from "./key-lease.ts";
export { type MemoryDiscovery, memory } from "./memory.ts";
export { decodeRecord, encodeRecord, mustFit } from "./record.ts";
export { createRecordSeal, type RecordSeal } from "./record-seal.ts";
export { maxStoreBatch, type Store, type StoreEntry, type StoreWrite, type StoreWritten } from "./store.ts";
