import { createHash, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Etcd3 } from "etcd3";
import { ForwardMode, type ServerRecord, ServerRecordSchema, ServerState } from "../../../gen/nano/cluster/v1/record_pb.ts";
import { SchemaSchema } from "../../../gen/nano/cluster/v1/schema_pb.ts";
import type { Fault } from "./fault.ts";

/** What a room is started with. */
export interface RoomOptions {
  readonly endpoint: string;
  readonly prefix: string;
  /** The first signs, and opens doors. */
  readonly tokens: readonly string[];
  /** What it does wrong; the default is nothing. */
  readonly fault?: Fault | undefined;
}

const id = "by-hand";
const everyMs = 500;

/** The room's place in the cluster: its record, and those of the others. It looks again and again, and does not watch. */
export class Member {
  readonly #options: RoomOptions;
  readonly #etcd: Etcd3;
  readonly #record: ServerRecord;
  readonly #key: string;
  #frontends: readonly ServerRecord[] = [];
  #looked: () => void = () => {};
  #lease = "";
  #left = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: RoomOptions, address: string) {
    const { endpoint, prefix, fault } = options;
    this.#options = options;
    this.#etcd = new Etcd3({ hosts: [endpoint] });
    this.#key = `${prefix}/servers/room/${id}`;
    this.#record = create(ServerRecordSchema, {
      id: fault === "says another id" ? "another" : id,
      incarnation: fault === "has no incarnation" ? 0n : randomBytes(8).readBigUInt64BE(),
      type: "room",
      types: ["room"],
      addresses: [fault === "says where nothing listens" ? "127.0.0.1:1" : address],
      state: fault === "never says that it is ready" ? ServerState.STARTING : ServerState.READY,
      protocol: fault === "says no protocol" ? 0 : 1,
      forward: ForwardMode.UNARY,
    });
  }

  /** The server of an incarnation: it may have come a moment ago. */
  async find(incarnation: bigint): Promise<ServerRecord | undefined> {
    const find = () => this.#frontends.find((one) => one.incarnation === incarnation);
    if (!find()) await this.#look();
    return find();
  }

  /** All that hold clients. */
  get frontends(): readonly ServerRecord[] {
    return this.#frontends;
  }

  /** @param looked Called whenever it has looked who is there. */
  async join(looked: () => void): Promise<void> {
    this.#looked = looked;
    await this.#putSchema();
    await this.#register();
    await this.#look();
    this.#loop = this.#stay();
  }

  async drains(): Promise<void> {
    this.#record.state = ServerState.DRAINING;
    await this.#write();
  }

  /** @param revoking Whether its keys go with it. */
  async leave(revoking: boolean): Promise<void> {
    this.#left = true;
    await this.#loop;
    if (revoking) await this.#etcd.leaseClient.leaseRevoke({ ID: this.#lease }).catch(() => {});
    this.#etcd.close();
  }

  async #stay(): Promise<void> {
    while (!this.#left) {
      await sleep(everyMs);
      if (this.#left) return;
      await this.#look();
      const alive = await this.#keepAlive();
      const there = await this.#etcd.get(this.#key).string();
      if ((alive && there !== null) || this.#options.fault === "does not come back") continue;
      if (this.#options.fault === "comes back elsewhere") this.#record.addresses = ["127.0.0.1:1"];
      await this.#register();
    }
  }

  async #register(): Promise<void> {
    const seconds = this.#options.fault === "has a lease of a minute" ? 60 : 10;
    this.#lease = (await this.#etcd.leaseClient.leaseGrant({ TTL: seconds, ID: 0 })).ID;
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#etcd
      .put(this.#key)
      .value(this.#signed(toJsonString(ServerRecordSchema, this.#record)))
      .lease(this.#lease)
      .exec();
  }

  #signed(json: string): string {
    const { tokens, fault } = this.#options;
    const [token] = tokens;
    if (token === undefined) return json;
    const key = fault === "signs another key" ? "/another/key" : this.#key;
    const by = Buffer.from(hkdfSync("sha256", token, "", "nano/record/1", 32));
    return `${json.slice(0, -1)},"signature":"${createHmac("sha256", by).update(`${key}\n${json}`).digest("base64")}"}`;
  }

  async #keepAlive(): Promise<boolean> {
    const { TTL } = await this.#etcd.leaseClient.leaseTimeToLive({ ID: this.#lease, keys: false });
    if (Number(TTL) <= 0) return false;
    const stream = await this.#etcd.leaseClient.leaseKeepAlive();
    const answered = new Promise((resolve) => {
      stream.on("data", resolve);
      stream.on("error", resolve);
    });
    stream.write({ ID: this.#lease });
    await answered;
    stream.end();
    return true;
  }

  /** Whom it believes: those whom this cluster has signed. Only frontends matter to it. */
  async #look(): Promise<void> {
    const values = Object.values(await this.#etcd.getAll().prefix(`${this.#options.prefix}/servers/`).strings());
    this.#frontends = values.map((json) => fromJsonString(ServerRecordSchema, json)).filter(({ frontend }) => frontend);
    this.#looked();
  }

  async #putSchema(): Promise<void> {
    const { prefix, fault } = this.#options;
    const blob = readFileSync("examples/chat/gen/chat.nanoschema");
    const schema = fromBinary(SchemaSchema, gunzipSync(blob));
    schema.methods = schema.methods.filter(({ method }) => method !== "Stats");
    const less = toBinary(SchemaSchema, schema);
    const bytes = fault === "leaves its remote out of the schema" ? less : gunzipSync(blob);
    const lying = fault === "puts another schema under the hash" ? gzipSync(less) : gzipSync(bytes);
    this.#record.schema = createHash("sha256").update(bytes).digest("hex");
    await this.#etcd.put(`${prefix}/schemas/${this.#record.schema}`).value(lying).exec();
  }
}
