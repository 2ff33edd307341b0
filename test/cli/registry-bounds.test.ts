import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type RequestOp, RequestOpSchema, TxnRequestSchema } from "../../gen/etcd/api/etcdserverpb/rpc_pb.ts";
import { openSockets, until } from "../net/recorder.ts";
import { type EtcdLike, etcdLikes, startRegistryLike } from "./etcd-likes.ts";

const key = (name: string): Uint8Array => new TextEncoder().encode(name);

let store: EtcdLike;

const putOf = (name: string): RequestOp =>
  create(RequestOpSchema, { request: { case: "requestPut", value: { key: key(name) } } });
const nested = (success: RequestOp[]): RequestOp =>
  create(RequestOpSchema, { request: { case: "requestTxn", value: { success } } });

describe.each(etcdLikes)("what is too much for %s", (_name, start) => {
  beforeEach(async () => {
    store = await start();
  });

  afterEach(() => store.stop());

  test("is a request over 1.5 MiB", async () => {
    await store.kv.put({ key: key("a"), value: new Uint8Array(1_572_700) });
    await expect(store.kv.put({ key: key("a"), value: new Uint8Array(1_572_870) })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "etcdserver: request is too large",
    });
    await expect(store.kv.put({ key: key("a"), value: new Uint8Array(3_000_000) })).rejects.toMatchObject({
      code: Code.ResourceExhausted,
    });
    const { kvs } = await store.kv.range({ key: key("a") });
    expect(kvs[0]).toMatchObject({ version: 1n });
  });

  test("is a transaction of more than 128 operations, and one that changes a key twice", async () => {
    const success = Array.from({ length: 129 }, (_, at) => putOf(`${at}`));
    await store.kv.txn({ success: success.slice(1) });
    await expect(store.kv.txn({ success })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "etcdserver: too many operations in txn request",
    });
    await expect(store.kv.txn({ success: [putOf("a"), nested([putOf("a")])] })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: "etcdserver: duplicate key given in txn request",
    });
  });

  test("is a lease of more than 285 years; what is too little lasts 2 s", async () => {
    for (const TTL of [-5n, 0n, 1n]) expect(await store.lease.leaseGrant({ TTL })).toMatchObject({ TTL: 2n, error: "" });
    await expect(store.lease.leaseGrant({ TTL: 9_000_000_001n })).rejects.toMatchObject({
      code: Code.OutOfRange,
      rawMessage: "etcdserver: too large lease TTL",
    });
  });

  test("is a key that is not there, and users", async () => {
    await expect(store.kv.range({})).rejects.toMatchObject({ rawMessage: "etcdserver: key is not provided" });
    await expect(store.auth.authenticate({ name: "a", password: "b" })).rejects.toMatchObject({
      code: Code.FailedPrecondition,
      rawMessage: "etcdserver: authentication is not enabled",
    });
  });
});

describe("the registry", () => {
  afterEach(async () => {
    await store.stop();
    await until(openSockets).toBe(0);
  });

  test("takes no more than it may hold, and takes again when there is room", async () => {
    store = await startRegistryLike({ dataBytes: 10_000 });
    for (const name of ["a", "b"]) await store.kv.put({ key: key(name), value: new Uint8Array(4_000) });
    const third = { key: key("c"), value: new Uint8Array(4_000) };
    await expect(store.kv.put(third)).rejects.toMatchObject({
      code: Code.ResourceExhausted,
      rawMessage: "etcdserver: mvcc: database space exceeded",
    });
    const { header } = await store.kv.deleteRange({ key: key("a") });
    await store.kv.compact({ revision: header?.revision ?? 0n });
    await store.kv.put(third);
  });

  test("takes no transaction of thousands of operations, however they are nested", async () => {
    store = await startRegistryLike();
    const wide = Array.from({ length: 64 }, (_, outer) => nested(Array.from({ length: 64 }, (_, at) => putOf(`${outer}.${at}`))));
    await expect(store.kv.txn({ success: wide })).rejects.toThrow("too many operations");
    let deep = create(TxnRequestSchema, { success: [putOf("a")] });
    for (let at = 0; at < 2_000; at++) {
      deep = create(TxnRequestSchema, { success: [{ request: { case: "requestTxn", value: deep } }] });
    }
    await expect(store.kv.txn(deep)).rejects.toMatchObject({ code: expect.any(Number) });
    expect((await store.kv.range({ key: key("a") })).count).toBe(0n);
  });

  test("closes connections beyond", async () => {
    store = await startRegistryLike({ connections: 2 });
    const port = Number(store.endpoint.split(":")[1]);
    await store.kv.range({ key: key("a") });
    const open = [0, 1].map(() => connect(port, "127.0.0.1").on("error", () => {}));
    const closed = await Promise.race(
      open.map((socket, at) => new Promise<number>((resolve) => socket.once("close", () => resolve(at)))),
    );
    expect(open[1 - closed]?.destroyed).toBe(false);
    for (const socket of open) socket.destroy();
    await store.kv.range({ key: key("a") });
  });

  test("bears whoever does not speak gRPC", async () => {
    store = await startRegistryLike();
    const port = Number(store.endpoint.split(":")[1]);
    // The last begins as links between servers do, which have no business here.
    for (const words of ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "\x16\x03\x01 no HTTP/2 at all", "\0".repeat(64)]) {
      const stranger = connect(port, "127.0.0.1").on("error", () => {});
      stranger.write(words);
      await new Promise((resolve) => stranger.resume().once("close", resolve));
    }

    const session = connectHttp2(`http://${store.endpoint}`);
    const status = (headers: Record<string, string>, body: Uint8Array): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const stream = session.request({ ":method": "POST", ...headers });
        stream.on("response", (answer) => resolve(answer[":status"]));
        stream.on("error", reject);
        stream.resume().end(body);
      });
    const grpc = { "content-type": "application/grpc" };
    expect(await status({ ":path": "/" }, key("x"))).toBe(404);
    expect(await status({ ":path": "/etcdserverpb.KV/Put", "content-type": "application/json" }, key("{}"))).toBe(415);
    // Status 200, and what is wrong in the trailers, as gRPC has it.
    expect(await status({ ":path": "/etcdserverpb.KV/Put", ...grpc }, new Uint8Array(50).fill(255))).toBe(200);
    expect(await status({ ":path": "/etcdserverpb.Watch/Watch", ...grpc }, new Uint8Array(50).fill(255))).toBe(200);
    session.destroy();
    await store.kv.put({ key: key("a") });
  });
});
