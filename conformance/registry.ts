import { gunzipSync } from "node:zlib";
import { type DescEnum, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { Etcd3 } from "etcd3";
import { type ServerRecord, ServerRecordSchema } from "../gen/nano/cluster/v1/record_pb.ts";
import { type Schema, SchemaSchema } from "../gen/nano/cluster/v1/schema_pb.ts";
import { createRecordSeal } from "../src/discovery/index.ts";
import { Failed } from "./point.ts";

/** A value of etcd as it lies there. */
export interface Entry {
  readonly key: string;
  readonly value: Buffer;
  /** "0": none. */
  readonly lease: string;
}

/** What lies in the cluster's etcd, with no more made of it than is asked for. */
export interface Registry {
  /** What lies under a type. */
  servers(type: string): Promise<readonly Entry[]>;
  get(key: string): Promise<Entry | undefined>;
  /** Where a schema lies. */
  schemaKey(hash: string): string;
  /** Undefined where etcd does not know the lease. */
  lease(id: string): Promise<{ readonly grantedS: number; readonly leftS: number } | undefined>;
  revoke(lease: string): Promise<void>;
  remove(key: string): Promise<void>;
  /** Why the value is not one that a server of this cluster has signed for that key; undefined where it is. */
  unsigned(entry: Entry): string | undefined;
  close(): void;
}

/** @param tokens Of the cluster. */
export function openRegistry(endpoints: readonly string[], prefix: string, tokens: readonly string[]): Registry {
  const etcd = new Etcd3({ hosts: [...endpoints], defaultCallOptions: () => ({ deadline: Date.now() + 5_000 }) });
  const seal = createRecordSeal(tokens);
  const list = async (range: { exec(): Promise<{ readonly kvs: readonly { key: Buffer; value: Buffer; lease: string }[] }> }) =>
    (await range.exec()).kvs.map(({ key, value, lease }) => ({ key: key.toString(), value, lease }));
  return {
    servers: (type) => list(etcd.getAll().prefix(`${prefix}/servers/${type}/`)),
    get: async (key) => (await list(etcd.get(key)))[0],
    schemaKey: (hash) => `${prefix}/schemas/${hash}`,
    async lease(id) {
      const { TTL, grantedTTL } = await etcd.leaseClient.leaseTimeToLive({ ID: id, keys: false });
      return Number(TTL) > 0 ? { grantedS: Number(grantedTTL), leftS: Number(TTL) } : undefined;
    },
    async revoke(lease) {
      await etcd.leaseClient.leaseRevoke({ ID: lease });
    },
    async remove(key) {
      await etcd.delete().key(key).exec();
    },
    unsigned({ key, value }) {
      const opened = seal.open(key, value.toString());
      if (!("refused" in opened)) return undefined;
      return opened.refused === "unsigned"
        ? "its last member is not a signature"
        : "it is signed, but not by this cluster's token, for that key, as it lies there";
    },
    close: () => etcd.close(),
  };
}

/** As the protocol writes it: "SERVER_STATE_READY". */
export function enumName(schema: DescEnum, value: number): string {
  return schema.value[value]?.name ?? String(value);
}

/** Throws Failed where it is no record. */
export function readRecord(json: string): ServerRecord {
  try {
    return fromJsonString(ServerRecordSchema, json, { ignoreUnknownFields: true });
  } catch (reason) {
    throw new Failed(`it is no record as protobuf JSON: ${(reason as Error).message}`);
  }
}

/** A schema as it lies in etcd, and what it is before gzip. Throws Failed where it is none. */
export function readSchema(value: Uint8Array): { readonly bytes: Uint8Array; readonly schema: Schema } {
  try {
    const bytes = gunzipSync(value, { maxOutputLength: 16 * 1_024 * 1_024 });
    return { bytes, schema: fromBinary(SchemaSchema, bytes) };
  } catch (reason) {
    throw new Failed(`it is no gzipped nano.cluster.v1.Schema: ${(reason as Error).message}`);
  }
}
