import { once } from "node:events";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { createServer, memory, type Server, silentLogger } from "nano-rpc";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { CallRefusal } from "../../src/metrics/index.ts";
import { Stranger } from "../attacks/stranger.ts";
import { playServices } from "../server/play.ts";

const token = "a secret of the cluster, over 32 bytes";
const mebibyte = 1_048_576;
const headers = { authorization: `Bearer ${token}` };
const grpc = { ...headers, "content-type": "application/grpc", te: "trailers" };
const web = { ...headers, "content-type": "application/grpc-web+proto" };
const stream = { ...headers, "content-type": "application/connect+proto" };

let server: Server;
let caller: Stranger;

beforeAll(async () => {
  const { services } = playServices(async () => {});
  server = createServer({ id: "play-1", services, discovery: memory(), cluster: { tokens: [token] }, log: silentLogger });
  await server.start();
  caller = new Stranger(server.addresses["cluster"] ?? "");
});

afterAll(async () => {
  caller.close();
  await server.stop({ graceMs: 100 });
});

/** A message as gRPC lays it. */
function message(bytes: number, said = bytes, flags = 0): Buffer {
  const all = Buffer.alloc(5 + bytes);
  all[0] = flags;
  all.writeUInt32BE(said, 1);
  return all;
}

function counted(): Readonly<Record<CallRefusal, number>> {
  if (!server.counters.cluster) throw new Error("no cluster");
  return { ...server.counters.cluster.callsRefused };
}

const nothing = Buffer.alloc(0);
const broken = Buffer.from([0x0a]);
const bomb = gzipSync(Buffer.alloc(mebibyte));

test.each<[string, CallRefusal, Record<string, string>, Uint8Array, string]>([
  ["no such service", "method", { ...grpc, ":path": "/play.v1.Nobody/Any" }, message(0), "404"],
  ["no such method", "method", { ...headers, ":path": "/play.v1.WhoService/Nothing" }, nothing, "404"],
  ["not by POST", "method", { ...headers, ":method": "PUT" }, nothing, "405"],
  ["another content type", "type", { ...headers, "content-type": "text/html" }, nothing, "415"],
  ["gRPC in another encoding", "type", { ...grpc, "content-type": "application/grpc+thrift" }, message(0), "415"],
  ["gRPC, over 1 MiB", "size", grpc, message(mebibyte + 1), "grpc 8"],
  ["gRPC, said to be over 1 MiB", "size", grpc, message(1, mebibyte + 1), "grpc 8"],
  ["gRPC-Web, over 1 MiB", "size", web, message(mebibyte + 1), "200"],
  ["Connect, over 1 MiB", "size", headers, Buffer.alloc(mebibyte + 1), "429"],
  ["gRPC, no message of the method's", "body", grpc, Buffer.concat([message(0, 1), broken]), "grpc 3"],
  ["gRPC, no message at all", "body", grpc, nothing, "grpc 12"],
  ["gRPC, two messages", "body", grpc, Buffer.concat([message(0), message(0)]), "grpc 12"],
  ["gRPC, cut off", "body", grpc, message(1, 9), "grpc 3"],
  ["gRPC-Web, no message of the method's", "body", web, Buffer.concat([message(0, 1), broken]), "200"],
  [
    "gRPC, compressed",
    "body",
    { ...grpc, "grpc-encoding": "gzip" },
    Buffer.concat([message(0, bomb.length, 1), bomb]),
    "grpc 12",
  ],
  ["Connect, no message of the method's", "body", headers, broken, "400"],
  ["Connect, no JSON", "body", { ...headers, "content-type": "application/json" }, Buffer.from("{"), "400"],
  ["Connect, compressed", "body", { ...headers, "content-encoding": "gzip" }, bomb, "501"],
  ["gRPC, a time that is none", "body", { ...grpc, "grpc-timeout": "soon" }, message(0), "grpc 3"],
  ["a stream of Connect, where one message is due", "type", stream, message(0), "415"],
])("%s is refused, and counted as %s", async (_what, why, sent, body, answered) => {
  const before = counted();
  const answer = await caller.call(sent, body);
  const status = answer.headers["grpc-status"];
  expect(status === undefined ? `${answer.status}` : `grpc ${status}`).toBe(answered);
  expect(counted()).toEqual({ ...before, [why]: before[why] + 1 });
});

test("1 MiB is let in; what is answered with an error is not refused by the port", async () => {
  const before = counted();
  // A field that the method does not know.
  const whole = Buffer.alloc(mebibyte);
  whole.set([0x7a, 0xfc, 0xff, 0x3f]);
  const { status } = await caller.call(headers, whole);
  expect(status).toBe(200);
  const failed = await caller.call(
    { ...headers, "content-type": "application/json", ":path": "/play.v1.WhoService/Break" },
    Buffer.from("{}"),
  );
  expect(failed.status).toBeGreaterThanOrEqual(400);
  expect(counted()).toEqual(before);
});

/** Bytes that come, and no end of them. */
async function withoutEnd(sent: OutgoingHttpHeaders, bytes: Uint8Array): Promise<IncomingHttpHeaders> {
  const session = connect(`http://${server.addresses["cluster"]}`);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": "/play.v1.WhoService/Any", ...sent });
  const heard: IncomingHttpHeaders = {};
  stream.on("response", (headers) => Object.assign(heard, headers)).on("trailers", (headers) => Object.assign(heard, headers));
  stream.write(bytes);
  stream.resume();
  // The port hangs up where nobody else does.
  await once(stream, "close");
  return heard;
}

test.each<[string, OutgoingHttpHeaders, Uint8Array, string, string]>([
  ["of gRPC", grpc, message(1, 9), "grpc-status", "4"],
  ["of gRPC that is there but for its end", grpc, message(0), "grpc-status", "4"],
  ["of gRPC, by its caller's time", { ...grpc, "grpc-timeout": "50m" }, message(1, 9), "grpc-status", "4"],
  ["of gRPC-Web", web, message(1, 9), ":status", "200"],
  ["of Connect", { "content-type": "application/proto", ...headers }, broken, ":status", "504"],
  [
    "of Connect, by its caller's time",
    { "content-type": "application/proto", ...headers, "connect-timeout-ms": "50" },
    broken,
    ":status",
    "504",
  ],
])(
  "a body %s that does not come whole is not waited for, and counted as late",
  async (_what, sent, bytes, header, value) => {
    const before = counted();
    const heard = await withoutEnd(sent, bytes);
    expect(`${heard[header]}`).toBe(value);
    expect(counted()).toEqual({ ...before, late: before.late + 1 });
  },
  30_000,
);

test.each(["%", "[", "x:99999"])(
  "a call for the authority %j, which is none, is refused, and counted as headers",
  async (authority) => {
    const before = counted();
    expect((await caller.call({ ...headers, ":authority": authority }, nothing)).status).toBe(400);
    expect(counted()).toEqual({ ...before, headers: before.headers + 1 });
  },
);

test("a call that was refused before the end of its body is counted once, and its stream closed all the same", async () => {
  const before = counted();
  const heard = await withoutEnd(grpc, Buffer.concat([message(0), message(0)]));
  expect(heard["grpc-status"]).toBe("12");
  expect(counted()).toEqual({ ...before, body: before.body + 1 });
}, 30_000);

test("who may not call hears so while the body is still coming, and no reset before", async () => {
  const session = connect(`http://${server.addresses["cluster"]}`);
  onTestFinished(() => session.destroy());
  const refused = (): ClientHttp2Stream => session.request({ ":method": "POST", ":path": "/play.v1.WhoService/Any" }).resume();
  const stream = refused();
  const [{ ":status": status }] = await once(stream, "response");
  expect(status).toBe(401);
  // Whatever was said behind the answer has come with what is said now.
  await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  expect(stream.closed).toBe(false);
  stream.end("{}");
  await once(stream, "close");
  // It is not waited for without end.
  await once(refused(), "close");
});
