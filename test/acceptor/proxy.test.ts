import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { type Acceptor, type AcceptorHost, type PortOptions, tcp } from "../../src/acceptor/index.ts";
import { extension, proxyAddresses, proxyBinary, proxyLine } from "../net/proxy-headers.ts";
import { openSockets, until } from "../net/recorder.ts";
import { startToyProxy, type ToyProxy } from "../net/toy-proxy.ts";
import { acceptorCases, type Dialled, overSocket } from "./cases.ts";
import { acceptorHost, framed, packet, type StartedAcceptor, startAcceptor } from "./started.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
  await until(openSockets).toBe(0);
});

interface Behind extends StartedAcceptor {
  readonly proxy: ToyProxy;
}

async function start(acceptor: Acceptor, host: Partial<AcceptorHost> = {}): Promise<Behind> {
  const started = await startAcceptor(acceptor, () => {}, host);
  const proxy = await startToyProxy(started.port);
  cleanups.push(() => acceptor.stop(), proxy.close);
  return { ...started, proxy };
}

function kept(client: Dialled): Dialled {
  cleanups.push(client.close);
  return client;
}

const trusting: PortOptions = { port: 0, proxy: { trusted: ["127.0.0.1"] } };
const headers: readonly (readonly [string, Buffer, string])[] = [
  ["version 1, IPv4", proxyLine("TCP4 203.0.113.7 192.0.2.9 51000 443"), "203.0.113.7"],
  ["version 1, IPv6", proxyLine("TCP6 2001:DB8::0007 2001:db8::9 51000 443"), "2001:db8::7"],
  ["version 1, unknown", proxyLine("UNKNOWN"), "127.0.0.1"],
  ["version 2, IPv4", proxyAddresses("203.0.113.7"), "203.0.113.7"],
  ["version 2, IPv6 with extensions", proxyAddresses("2001:db8::7", extension(0xe7, new Uint8Array(40))), "2001:db8::7"],
  ["version 2, the proxy itself", proxyBinary(0x20, 0x00, new Uint8Array()), "127.0.0.1"],
];

describe.each(acceptorCases())("the PROXY protocol before $name", ({ create, dial }) => {
  test.each(headers)("%s: the address is the client's, and packets go both ways", async (_what, header, address) => {
    const { accepted, proxy } = await start(create(trusting));
    proxy.header = header;
    const client = kept(dial(proxy.port));
    client.send(packet("hello"));
    await until(() => accepted[0]?.heard.text.endsWith("hello")).toBe(true);
    expect(accepted[0]?.socket.remoteAddress).toBe(address);
    const { socket } = accepted[0] ?? {};
    socket?.write(framed(socket, packet(100)));
    await until(() => client.heard).toBe(104);
    client.close();
    await until(() => accepted[0]?.heard.closes.length).toBe(1);
  });

  test("a header may be cut at every byte, and the client's first bytes may come with it or after it", async () => {
    const { accepted, proxy } = await start(create(trusting));
    for (const header of [headers[0]?.[1] ?? raise(), headers[3]?.[1] ?? raise()]) {
      proxy.header = header;
      for (const cut of [undefined, "every", ...Array(header.length + 9).keys()] as const) {
        proxy.cut = cut === 0 ? undefined : cut;
        const before = accepted.length;
        const client = kept(dial(proxy.port));
        client.send(packet(`cut ${cut}`));
        await until(() => accepted[before]?.heard.text.endsWith(`cut ${cut}`)).toBe(true);
        expect(accepted[before]?.socket.remoteAddress).toBe("203.0.113.7");
        client.close();
      }
    }
  });

  test("who is not trusted is a client that came by itself", async () => {
    const { port, accepted } = await start(create({ port: 0, proxy: { trusted: ["127.0.0.2", "10.0.0.0/8", "::1"] } }));
    kept(dial(port)).send(packet("direct"));
    await until(() => accepted[0]?.heard.text.endsWith("direct")).toBe(true);
    expect(accepted[0]?.socket.remoteAddress).toBe("127.0.0.1");
  });

  test.each([
    ["no header", packet("hello")],
    ["TLS instead of a header", Buffer.from("\x16\x03\x01\x02\x00", "latin1")],
    ["HTTP instead of a header", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["a line without an end", Buffer.from(`PROXY UNKNOWN ${"x".repeat(200)}`)],
    ["a header over its bound", proxyAddresses("203.0.113.7", new Uint8Array(4_096 - 27))],
    ["a header of another version", proxyBinary(0x31, 0x11, new Uint8Array(12))],
  ])("%s closes at once", async (_what, said) => {
    const { port, accepted } = await start(create(trusting));
    const socket = connect({ host: "127.0.0.1", port });
    const client = kept(overSocket(socket, "connect"));
    client.send(said);
    await until(() => client.state, 1_000).toBe("closed");
    expect(accepted).toEqual([]);
  });

  test("a header that does not come, or stops, closes in time; one that ends too", async () => {
    const { port, accepted } = await start(create({ port: 0, proxy: { trusted: ["127.0.0.0/8"], headerMs: 150 } }));
    const silent = kept(overSocket(connect({ host: "127.0.0.1", port }), "connect"));
    const half = kept(overSocket(connect({ host: "127.0.0.1", port }), "connect"));
    half.send(proxyLine("TCP4 203.0.113.7 192.0.2.9 1 2").subarray(0, 20));
    await until(() => [silent.state, half.state], 2_000).toEqual(["closed", "closed"]);
    const leaving = connect({ host: "127.0.0.1", port });
    const left = kept(overSocket(leaving, "connect"));
    leaving.end("PROXY");
    await until(() => left.state, 1_000).toBe("closed");
    expect(accepted).toEqual([]);
  });
});

function raise(): never {
  throw new Error("no header");
}

describe("proxies", () => {
  test.each([
    "",
    "proxy.example",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0.0/",
    "10.0.0/8",
    "::/129",
    "fe80::1%eth0",
    "10.0.0.0/1e1",
  ])('"%s" is nobody to trust: the acceptor does not start', async (trusted) => {
    const acceptor = tcp({ port: 0, proxy: { trusted: ["127.0.0.1", trusted] } });
    await expect(startAcceptor(acceptor)).rejects.toThrow(`proxy.trusted: "${trusted}" is no address`);
  });

  test.each([
    [["127.0.0.1"], true],
    [["127.0.0.0/8"], true],
    [["0.0.0.0/0"], true],
    [["127.0.0.2", "128.0.0.0/1"], false],
    [["fd00::/8", "::1"], false],
    [[], false],
  ])("%j trusts 127.0.0.1: %s, also on an IPv6 socket", async (trusted, trusts) => {
    for (const host of ["127.0.0.1", "::"]) {
      const { proxy, accepted } = await start(tcp({ port: 0, host, proxy: { trusted } }));
      proxy.header = proxyLine("TCP4 203.0.113.7 192.0.2.9 1 2");
      kept(overSocket(connect({ host: "127.0.0.1", port: proxy.port }), "connect")).send(packet("hello"));
      await until(() => accepted.length).toBe(1);
      expect(accepted[0]?.socket.remoteAddress).toBe(trusts ? "203.0.113.7" : "127.0.0.1");
    }
  });

  test("may use a port again: the next connection from there is another client's", async () => {
    const { port, accepted } = await start(tcp(trusting));
    // Below those that systems give to others meanwhile.
    const localPort = 20_000 + (process.pid % 10_000);
    for (const [header, address] of [
      [proxyLine("TCP4 203.0.113.7 192.0.2.9 1 2"), "203.0.113.7"],
      [proxyLine("UNKNOWN"), "127.0.0.1"],
      [proxyLine("TCP4 203.0.113.8 192.0.2.9 1 2"), "203.0.113.8"],
    ] as const) {
      const before = accepted.length;
      const socket = connect({ host: "127.0.0.1", port, localPort });
      kept(overSocket(socket, "connect")).send(header);
      await until(() => accepted.length).toBe(before + 1);
      expect(accepted[before]?.socket.remoteAddress).toBe(address);
      expect(socket.localPort).toBe(localPort);
      // A proper end would keep the port for a while.
      socket.resetAndDestroy();
      await until(() => accepted[before]?.heard.closes.length).toBe(1);
    }
  });

  test("that are not set up are told of, once; who only looks whether somebody listens is not", async () => {
    const told: unknown[] = [];
    const log = { ...acceptorHost.log, warn: (...line: unknown[]) => void told.push(line) };
    const { port, accepted } = await start(tcp(trusting), { log });
    const look = connect({ host: "127.0.0.1", port });
    const looked = kept(overSocket(look, "connect"));
    look.end();
    await until(() => looked.state).toBe("closed");
    expect(told).toEqual([]);
    for (let times = 0; times < 3; times++) {
      const client = kept(overSocket(connect({ host: "127.0.0.1", port }), "connect"));
      client.send(packet("no header"));
      await until(() => client.state).toBe("closed");
    }
    expect(told).toEqual([
      [{ acceptor: "tcp", proxy: "127.0.0.1", why: "no PROXY header" }, "a trusted proxy sent no proper PROXY header"],
    ]);
    expect(accepted).toEqual([]);
  });
});
