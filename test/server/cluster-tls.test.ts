import { connect as connectHttp2 } from "node:http2";
import { Code, createClient as createConnectClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { createServer, memory, NanoError, type Server, type ServerOptions, silentLogger, type TlsOptions, tcp } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { tcp as tcpTransport } from "nano-rpc/client/tcp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MemoryDiscovery } from "../../src/discovery/index.ts";
import { until } from "../net/recorder.ts";
import { PlayClient } from "../schema/gen/play/v1/play_client.ts";
import { WhoRemote } from "../schema/gen/play/v1/play_nano.ts";
import { WhoService } from "../schema/gen/play/v1/play_pb.ts";
import { type Authority, createAuthority } from "./certificates.ts";
import { playServices } from "./play.ts";

const token = "a secret of the cluster, over 32 bytes";

const linkPath = "/nano.cluster.v1.LinkService/Link";

let ours: Authority;
let theirs: Authority;
let discovery: MemoryDiscovery;
const cleanups: (() => unknown)[] = [];

beforeAll(() => {
  const names = {
    play: "URI:nano:type:play",
    "play-1": "URI:nano:type:play,URI:nano:id:play-1",
    member: "email:nobody@example.com",
    // As close as a name comes to one of ours without being it.
    odd: "URI:nano:type:play,URI:nano:frontend:not,DNS:nano:frontend,URI:other:nano:frontend",
  };
  ours = createAuthority(names);
  theirs = createAuthority(names);
});

afterAll(() => Promise.all([ours.remove(), theirs.remove()]));

beforeEach(() => {
  discovery = memory();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(id: string, tls: TlsOptions, more: Partial<ServerOptions> = {}): Promise<Server> {
  const server = createServer({ id, discovery, cluster: { tls }, log: silentLogger, ...more });
  cleanups.push(() => server.stop({ graceMs: 100 }));
  await server.start();
  return server;
}

const gate = (tls: TlsOptions, more: Partial<ServerOptions> = {}): Promise<Server> =>
  start("gate-1", tls, { types: ["gate"], acceptors: [tcp({ port: 0 })], ...more });
const play = (tls: TlsOptions, more: Partial<ServerOptions> = {}): Promise<Server> =>
  start("play-1", tls, { services: playServices(() => Promise.resolve()).services, ...more });

/** What a client is answered that comes in at a frontend and asks a play server. */
async function asked(frontend: Server): Promise<string> {
  const port = Number(frontend.addresses["tcp"]?.split(":").at(-1));
  const client = createClient({ transport: tcpTransport({ host: "127.0.0.1", port }) });
  try {
    await client.connect();
    return (await client.service(PlayClient).enter({ user: "ann" })).server;
  } catch (reason) {
    return NanoError.from(reason).code;
  } finally {
    await client.close();
  }
}

/** What a server hears that asks another by a remote. */
function called(from: Server, server = "play-1"): Promise<string> {
  return from
    .remote(WhoRemote, { server })
    .any({})
    .then(
      ({ caller }) => `called by ${caller}`,
      (reason) => NanoError.from(reason).code,
    );
}

describe("with certificates of the cluster's authority", () => {
  test("servers are what their certificates say: clients come in, servers are called", async () => {
    const [frontend, backend] = [await gate(ours.tls("gate")), await play(ours.tls("play-1"))];
    expect(await asked(frontend)).toBe("play-1");
    expect(await called(frontend)).toBe("called by gate-1");
    expect(backend.counters.cluster?.linksRefused).toMatchObject({ certificate: 0, record: 0 });
  });

  test("and a token, both are asked for", async () => {
    const both = { cluster: { tls: ours.tls("gate"), tokens: [token] } };
    const backend = await play({}, { cluster: { tls: ours.tls("play"), tokens: [token] } });
    expect(await asked(await gate({}, both))).toBe("play-1");
    const without = await start("gate-2", ours.tls("gate"), { types: ["gate"] });
    expect(await called(without)).toBe("unavailable");
    expect(backend.counters.cluster?.linksRefused.token).toBeGreaterThan(0);
  });

  test.each([
    ["a backend's, claims to be a frontend", "play", ["play"]],
    ["a backend's, claims to be a frontend and of another type", "room-1", ["gate"]],
    ["one that nearly says frontend, claims to be one", "odd", ["play"]],
  ])("a server with %s: it opens no link, whoever dials", async (_what, name, types) => {
    const backend = await play(ours.tls("play-1"));
    const stranger = await gate(ours.tls(name), { types });
    expect(await asked(stranger)).toBe("unavailable");
    expect(await called(stranger)).toBe("unavailable");
    expect(backend.counters.cluster?.linksRefused.certificate).toBeGreaterThan(0);
    // Dialed it says the same of itself.
    const servers = backend.servers().map(({ id }) => id);
    expect(servers).toContain("gate-1");
    const { services } = playServices(() => Promise.resolve());
    const dialed = await start("play-9", ours.tls(name), { services, acceptors: [tcp({ port: 0 })] });
    await until(() => backend.servers().length).toBe(3);
    const before = backend.counters.cluster?.linksRefused.certificate ?? 0;
    expect(await called(backend, dialed.id)).toBe("unavailable");
    expect(backend.counters.cluster?.linksRefused.certificate).toBeGreaterThan(before);
  });

  test("a server with a certificate for another type or id is refused, dialing and dialed", async () => {
    const backend = await play(ours.tls("play-1"));
    const refused = (): number => backend.counters.cluster?.linksRefused.certificate ?? 0;
    const caller = await start("caller", ours.tls("gate"), { types: ["room"] });
    expect(await called(caller)).toBe("unavailable");
    expect(refused()).toBeGreaterThan(0);
    const { services } = playServices(() => Promise.resolve());
    for (const [id, name] of [
      ["play-2", "gate"],
      ["play-3", "play-1"],
    ] as const) {
      await start(id, ours.tls(name), { services });
      await until(() => backend.servers().some((server) => server.id === id)).toBe(true);
      const before = refused();
      expect(await called(backend, id), id).toBe("unavailable");
      expect(refused(), id).toBeGreaterThan(before);
    }
  });

  test("that have no names of ours, the record says what a server is", async () => {
    const [frontend, backend] = [await gate(ours.tls("member")), await play(ours.tls("member"))];
    expect(await asked(frontend)).toBe("play-1");
    expect(await called(frontend)).toBe("called by gate-1");
    // One that discovery does not have.
    const hidden = await gate(ours.tls("member"), { id: "gate-2", discovery: lonely(backend) });
    expect(["unavailable", "deadline_exceeded"]).toContain(await asked(hidden));
    await until(() => backend.counters.cluster?.linksRefused.record).toBeGreaterThan(0);
    expect(backend.counters.cluster?.linksRefused.certificate).toBe(0);
  });
});

/** Discovery that says who is there, and tells nobody who has joined. */
function lonely(known: Server): MemoryDiscovery {
  const own = memory();
  return {
    ...own,
    async join(self, schema, events, host) {
      const membership = await own.join(self, schema, { ...events, changed: () => events.changed([self, known.info]) }, host);
      const there = await discovery.join({ ...self, id: "looks", frontend: false, incarnation: 7n }, undefined, noEvents, host);
      await there.leave();
      return { ...membership, schema: (hash) => there.schema(hash) };
    },
  };
}

const noEvents = { changed: () => {}, fenced: () => {}, available: () => {} };

describe("strangers", () => {
  test.each([
    ["no certificate", () => ({ ca: ours.ca, serverName: "nano.cluster" })],
    ["a certificate of another authority", () => ({ ...theirs.tls("gate"), ca: ours.ca })],
  ])("with %s reach neither links nor plain calls", async (_what, tls) => {
    const backend = await play(ours.tls("play-1"));
    const { cert, key, ca } = tls() as TlsOptions;
    const url = `https://${backend.addresses["cluster"]}`;
    const nodeOptions = { ca, servername: "nano.cluster", ...(cert && key ? { cert, key } : {}) };
    const plain = createConnectClient(WhoService, createConnectTransport({ baseUrl: url, httpVersion: "2", nodeOptions }));
    await expect(plain.any({})).rejects.toThrow();
    const session = connectHttp2(url, nodeOptions);
    session.on("error", () => {});
    cleanups.push(() => session.destroy());
    const gone = Promise.withResolvers<void>();
    const link = session.request({ ":method": "POST", ":path": linkPath, "content-type": "application/connect+proto" });
    let answered = false;
    link.on("error", () => {}).once("response", () => (answered = true));
    link.once("close", () => gone.resolve());
    link.write(new Uint8Array(5));
    await gone.promise;
    expect(answered).toBe(false);
    await until(() => backend.counters.cluster?.connectionsRefused.tls).toBeGreaterThan(1);
    expect(backend.counters.cluster?.linksRefused.certificate).toBe(0);
  });

  test("with a certificate of the authority may call remotes: with the token, where there is one", async () => {
    const backend = await play({}, { cluster: { tls: ours.tls("play-1"), tokens: [token] } });
    const { cert, key, ca } = ours.tls("room-1");
    const nodeOptions = { ca, cert, key, servername: "nano.cluster" };
    const baseUrl = `https://${backend.addresses["cluster"]}`;
    const plain = createConnectClient(WhoService, createConnectTransport({ baseUrl, httpVersion: "2", nodeOptions }));
    await expect(plain.any({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    expect((await plain.any({}, { headers: { authorization: `Bearer ${token}` } })).server).toBe("play-1");
    expect(backend.counters.cluster?.callsRefused.token).toBe(1);
  });

  test("that are dialed are found out: another authority's server is not talked to", async () => {
    const caller = await start("caller", ours.tls("room-1"), { types: ["room"] });
    const { services } = playServices(() => Promise.resolve());
    // It takes any certificate, and shows its own.
    await start("play-1", { ...theirs.tls("play-1"), ca: `${ours.ca}${theirs.ca}` }, { services });
    await until(() => caller.servers().length).toBe(2);
    expect(await called(caller)).toBe("unavailable");
  });
});

test("a server that asks for certificates and would take any of those it dials does not start", () => {
  const tls = { ...ours.tls("play-1"), rejectUnauthorized: false };
  expect(() => createServer({ id: "play-1", cluster: { listen: "0.0.0.0:0", tls } })).toThrow(/leave rejectUnauthorized out/);
});
