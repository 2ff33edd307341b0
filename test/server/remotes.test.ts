import { Code, createClient as createConnectClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { createServer, memory, NanoError, type Server, silentLogger } from "nano-rpc";
import { createTestCluster, type TestCluster } from "nano-rpc/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { WhoService } from "../schema/gen/play/v1/play_pb.ts";
import { playServices } from "./play.ts";

const never = (): Promise<void> => new Promise(() => {});

describe("remotes", () => {
  let cluster: TestCluster;
  let gate: Server;

  beforeEach(async () => {
    cluster = createTestCluster();
    gate = await cluster.start({ id: "gate-1", types: ["gate"], frontend: true });
    for (const id of ["play-1", "play-2"]) await cluster.start({ id, services: playServices(never).services });
  });
  afterEach(() => cluster.stop());

  test("by the schema's rule, by key, by server id, and to all", async () => {
    const who = gate.remote(WhoRemote);
    expect(await who.any({})).toMatchObject({ caller: "gate-1" });
    const owners = await Promise.all(Array.from({ length: 20 }, (_, at) => who.owner({ key: BigInt(at) })));
    expect(new Set(owners.map(({ server }) => server))).toEqual(new Set(["play-1", "play-2"]));
    // The same key leads to the same server, whoever says it.
    expect((await gate.remote(WhoRemote, { key: 7 }).any({})).server).toBe(owners[7]?.server);
    expect((await gate.remote(WhoRemote, { server: "play-2" }).any({})).server).toBe("play-2");
    const all = await gate.remoteAll(WhoRemote).any({});
    expect(all.map((one) => (one.ok ? one.value.server : one.error.code)).sort()).toEqual(["play-1", "play-2"]);
  });

  test("a server calls itself like any other", async () => {
    const play = await cluster.start({ id: "play-3", services: playServices(never).services });
    expect(await play.remote(WhoRemote, { server: "play-3" }).any({})).toMatchObject({ server: "play-3", caller: "play-3" });
  });

  test("declared errors arrive with their details", async () => {
    const error = await gate
      .remote(WhoRemote)
      .break({ how: "door" })
      .then(() => undefined, NanoError.from);
    expect(error).toMatchObject({ code: "failed_precondition", declared: true, detail: { part: "door" } });
  });

  test("a call that is not answered ends at its deadline, or when its signal says so", async () => {
    const late = gate.remote(WhoRemote).break({ how: "never" }).result();
    const signal = new AbortController();
    const aborted = gate.remote(WhoRemote).break({ how: "never" }, { signal: signal.signal }).result();
    await cluster.settle();
    signal.abort();
    const given = await aborted;
    expect(given.ok ? "ok" : given.error.code).toBe("canceled");
    await cluster.advance(1_200);
    const outcome = await late;
    expect(outcome.ok ? "ok" : outcome.error.code).toBe("deadline_exceeded");
  });

  test("a crashed server fails its calls at once, and the others answer", async () => {
    const broken = gate.remote(WhoRemote, { server: "play-1" }).break({ how: "never" }).result();
    await cluster.settle();
    cluster.crash("play-1");
    await cluster.settle();
    const outcome = await broken;
    expect(outcome.ok ? "ok" : outcome.error.code).toBe("unavailable");
    await cluster.advance(11_000);
    expect(gate.servers("play").map(({ id }) => id)).toEqual(["play-2"]);
    expect((await gate.remote(WhoRemote).any({})).server).toBe("play-2");
    const unknown = await gate.remote(WhoRemote, { server: "play-1" }).any({}).result();
    expect(unknown.ok ? "ok" : unknown.error.code).toBe("unavailable");
  });
});

describe("the cluster port", () => {
  const token = "a secret of the cluster, over 32 bytes";
  const servers: Server[] = [];

  async function start(id: string, discovery = memory(), tokens: readonly string[] = []): Promise<Server> {
    const server = createServer({
      id,
      discovery,
      services: playServices(never).services,
      cluster: { tokens },
      log: silentLogger,
    });
    servers.push(server);
    await server.start();
    return server;
  }

  afterEach(() => Promise.all(servers.splice(0).map((server) => server.stop({ graceMs: 100 }))));

  test.each(["connect", "grpc"] as const)("answers plain %s callers of remotes", async (protocol) => {
    const server = await start("play-1");
    const options = { baseUrl: `http://${server.addresses["cluster"]}`, httpVersion: "2" as const };
    const transport = protocol === "grpc" ? createGrpcTransport(options) : createConnectTransport(options);
    const client = createConnectClient(WhoService, transport);
    expect((await client.any({})).server).toBe("play-1");
    await expect(client.break({ how: "door" })).rejects.toMatchObject({ rawMessage: "broken" });
  });

  test("with a token lets in those who have it, and no one else", async () => {
    const discovery = memory();
    const one = await start("play-1", discovery, [token]);
    const two = await start("play-2", discovery, ["another secret, of over 32 bytes too", token]);
    // The first token is the one that is shown: play-2 shows one that play-1 does not know.
    const answered = await two.remote(WhoRemote, { server: "play-1" }).any({}).result();
    const { message, cause } = answered.ok ? { message: "ok", cause: undefined } : answered.error;
    // Why is in the log and in the cause: a handler that lets the error through tells its client no more than the message.
    expect([message, String(cause)]).toEqual([
      "play-1 is out of reach",
      `Error: ${one.addresses["cluster"]}: unauthenticated: play-2 has another token than play-1`,
    ]);
    const baseUrl = `http://${one.addresses["cluster"]}`;
    const plain = createConnectClient(WhoService, createConnectTransport({ baseUrl, httpVersion: "2" }));
    await expect(plain.any({})).rejects.toMatchObject({ code: Code.Unauthenticated });
  });

  test("two tokens are valid while one replaces the other", async () => {
    const discovery = memory();
    const next = "the next secret, which is 32 bytes too";
    await start("play-1", discovery, [token, next]);
    const two = await start("play-2", discovery, [next, token]);
    expect((await two.remote(WhoRemote, { server: "play-1" }).any({})).server).toBe("play-1");
  });

  test.each([
    ["beyond loopback without a secret", { listen: "0.0.0.0:0" }],
    ["a short secret", { tokens: ["short"] }],
    ["no address", { listen: "nonsense" }],
  ])("does not come up with %s", (_what, cluster) => {
    expect(() => createServer({ cluster, log: silentLogger })).toThrow();
  });
});
