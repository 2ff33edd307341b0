import { createHash } from "node:crypto";
import { connect } from "node:net";
import { ForwardModeSchema, ServerStateSchema } from "../../gen/nano/cluster/v1/record_pb.ts";
import { SchemaKind, SchemaKindSchema } from "../../gen/nano/cluster/v1/schema_pb.ts";
import { soon, until } from "../patience.ts";
import { Failed, must, mustEqual, type Point, Skipped } from "../point.ts";
import { enumName, readSchema } from "../registry.ts";

const mostBytes = 4_096;
const mostLeaseS = 10;
const protocol = 1;

/** What a server tells of itself in etcd. */
export const recordPoints: readonly Point[] = [
  {
    name: "record.place",
    says: "The record lies under PREFIX/servers/TYPE/ID, as protobuf JSON of at most 4,096 bytes, and says the same type and id.",
    async check({ options: { prefix, type }, entry, record }) {
      const { key, value } = await entry();
      must(value.length <= mostBytes, `it has ${value.length} bytes`);
      const said = await record();
      mustEqual("the key", key, `${prefix}/servers/${said.type}/${said.id}`);
      must(
        said.types.length === 0 || said.types.includes(type),
        `among its types (${said.types.join(", ")}) there is no ${type}`,
      );
    },
  },
  {
    name: "record.incarnation",
    says: "The incarnation is random, and never 0.",
    async check({ record }) {
      const { incarnation } = await record();
      must(incarnation !== 0n, "it is 0");
      must(incarnation > 0xffff_ffffn, `${incarnation} does not look like 64 random bits`);
    },
  },
  {
    name: "record.protocol",
    says: "The record says which version of the protocol the server speaks, and how it is asked: over links or plainly.",
    async check({ record }) {
      const said = await record();
      mustEqual("the protocol", said.protocol, protocol);
      must(ForwardModeSchema.value[said.forward] !== undefined, `there is no way ${said.forward} to ask`);
    },
  },
  {
    name: "record.signature",
    says: "In a cluster with tokens the record is signed, its signature last; in one without it is not.",
    async check({ options: { tokens }, registry, entry }) {
      const there = await entry();
      if (tokens.length === 0) {
        must(!there.value.includes('"signature"'), "it is signed, and the cluster has no token (or the kit was not given it)");
        throw new Skipped("the cluster has no token");
      }
      const why = registry.unsigned(there);
      if (why !== undefined) throw new Failed(why);
    },
  },
  {
    name: "record.state",
    says: "A server that takes calls says that it is READY.",
    async check({ record }) {
      mustEqual("the state", enumName(ServerStateSchema, (await record()).state), "SERVER_STATE_READY");
    },
  },
  {
    name: "record.addresses",
    says: "The record says where the cluster port listens, as HOST:PORT.",
    async check({ record }) {
      const { addresses } = await record();
      must(addresses.length > 0, "it has no address");
      for (const address of addresses) await reach(address);
    },
  },
  {
    name: "record.lease",
    says: "The record hangs on a lease of at most 10 s, which the server keeps alive.",
    async check({ registry, entry }) {
      const { lease } = await entry();
      must(lease !== "0", "it hangs on no lease: it would stay when the server has died");
      const first = await registry.lease(lease);
      must(first !== undefined, "its lease is over");
      must(first.grantedS <= mostLeaseS, `its lease is of ${first.grantedS} s`);
      const since = Date.now();
      await until(
        "its lease is kept alive",
        async () => {
          const leftS = (await registry.lease(lease))?.leftS ?? 0;
          must(leftS > 0, "its lease has ended");
          // By itself it would have less; etcd tells whole seconds.
          return leftS >= first.leftS - (Date.now() - since) / 1_000 + 2;
        },
        (mostLeaseS + 2) * 1_000,
      );
    },
  },
  {
    name: "record.schema",
    says: "The schema lies gzipped under PREFIX/schemas/HASH, on no lease; HASH is the SHA-256 of what was gzipped, in hex.",
    async check({ registry, record }) {
      const { schema: hash } = await record();
      must(/^[0-9a-f]{64}$/.test(hash), `"${hash}" is no SHA-256 in hex`);
      const entry = await registry.get(registry.schemaKey(hash));
      must(entry !== undefined, `nothing lies under ${registry.schemaKey(hash)}`);
      const { bytes } = readSchema(entry.value);
      mustEqual("the hash of what lies there", createHash("sha256").update(bytes).digest("hex"), hash);
      must(entry.lease === "0", "it hangs on a lease, and would be gone with it for all");
    },
  },
  {
    name: "record.routes",
    says: "The schema names every method that the server answers, and every push that its clients hear.",
    async check({ options: { type }, registry, record }) {
      const entry = await registry.get(registry.schemaKey((await record()).schema));
      must(entry !== undefined, "there is no schema");
      const { methods } = readSchema(entry.value).schema;
      for (const [service, method, kind] of chat) {
        const found = methods.find((one) => one.service === service && one.method === method);
        must(found !== undefined, `it does not name ${service}.${method}`);
        mustEqual(`the kind of ${service}.${method}`, enumName(SchemaKindSchema, found.kind), enumName(SchemaKindSchema, kind));
        mustEqual(`the server of ${service}.${method}`, found.server, type);
      }
    },
  },
];

const chat = [
  ["chat.v1.RoomService", "Join", SchemaKind.REQUEST],
  ["chat.v1.RoomService", "Say", SchemaKind.NOTIFY],
  ["chat.v1.RoomService", "Joined", SchemaKind.PUSH],
  ["chat.v1.RoomService", "Left", SchemaKind.PUSH],
  ["chat.v1.RoomService", "Said", SchemaKind.PUSH],
  ["chat.v1.RoomAdminService", "Stats", SchemaKind.REMOTE],
] as const;

function reach(address: string): Promise<void> {
  const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(address) ?? [];
  must(host !== "" && port !== "", `"${address}" is not HOST:PORT`);
  const socket = connect({ host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) });
  const reached = new Promise<void>((resolve, reject) => {
    socket
      .once("connect", resolve)
      .once("error", ({ message }) => reject(new Failed(`nothing listens at ${address}: ${message}`)));
  });
  return soon(`${address} takes connections`, reached).finally(() => socket.destroy());
}
