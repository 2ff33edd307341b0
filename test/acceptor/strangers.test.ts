import { connect } from "node:net";
import { createServer, type Handshake, type Server, silentLogger } from "nano-rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { proxyAddresses, proxyLine } from "../net/proxy-headers.ts";
import { openSockets, until } from "../net/recorder.ts";
import { startToyProxy, type ToyProxy } from "../net/toy-proxy.ts";
import { type RawClient, rawTcp } from "../support/raw-client.ts";
import { acceptorCases, overSocket } from "./cases.ts";
import { upgradeText } from "./raw-web-socket.ts";
import { packet } from "./started.ts";

// What speaks, and where it is at home.
const clientHello = "16030100c4010000c00303".padEnd(402, "7");
const spoken: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["a packet", Buffer.concat([Buffer.from([1]), packet("{}").subarray(1)]), /^tcp$/],
  ["TLS", Buffer.from(clientHello, "hex"), /TLS$/],
  ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), /^$/],
  ["a WebSocket's upgrade", Buffer.from(upgradeText()), /^webSocket$/],
  ["HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1"), /^$/],
  ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n"), /^$/],
  ["a PROXY line", proxyLine("TCP4 203.0.113.7 192.0.2.9 1 2"), /^$/],
  ["a PROXY header of version 2", proxyAddresses("203.0.113.7"), /^$/],
  ["noise", Buffer.alloc(64, 0xee), /^$/],
];

const cases = acceptorCases();
const wrong = cases.flatMap(({ name }) =>
  spoken.filter(([, , home]) => !home.test(name)).map(([what, said]) => ({ name, what, said })),
);

function portOf(server: Server, name: string): number {
  const address = server.addresses[name] ?? "";
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

describe("on a port that speaks something else", () => {
  let server: Server;
  let healthy: RawClient;

  beforeAll(async () => {
    // A proxy is expected from elsewhere only.
    const proxy = { trusted: ["10.0.0.0/8"] };
    const acceptors = cases.map(({ name, create }) => ({ ...create({ port: 0, proxy }), name }));
    server = createServer({ log: silentLogger, acceptors });
    await server.start();
    healthy = await rawTcp(portOf(server, "tcp"));
    await healthy.open();
  });

  afterAll(async () => {
    healthy.close();
    await server.stop();
    await until(openSockets).toBe(0);
  });

  test.each(wrong)("$name: $what is closed at once", async ({ name, said }) => {
    const socket = connect({ host: "127.0.0.1", port: portOf(server, name) });
    const stranger = overSocket(socket, "connect");
    stranger.send(said);
    await until(() => stranger.state, 1_000).toBe("closed");
  });

  test("and whoever is right there stays", async () => {
    healthy.request(1, "no.such.route");
    expect(await healthy.message()).toMatchObject({ id: 1 });
  });
});

describe("behind a proxy", () => {
  let server: Server;
  let proxy: ToyProxy;
  const seen: Handshake[] = [];

  beforeAll(async () => {
    server = createServer({
      log: silentLogger,
      acceptors: [cases[0]?.create({ port: 0, proxy: { trusted: ["127.0.0.1"] } }) ?? raise()],
      limits: { connectionsPerAddress: 2 },
      authenticate: (handshake) => {
        seen.push(handshake);
        return undefined;
      },
    });
    await server.start();
    proxy = await startToyProxy(portOf(server, "tcp"));
  });

  afterAll(async () => {
    await proxy.close();
    await server.stop();
    await until(openSockets).toBe(0);
  });

  test("the client's address is what handshakes show, and what is counted", async () => {
    const from = async (address: string): Promise<unknown> => {
      proxy.header = proxyAddresses(address);
      return await (await rawTcp(proxy.port)).handshake();
    };
    const taken = { code: 200 };
    for (const address of ["203.0.113.7", "203.0.113.7", "203.0.113.8"]) expect(await from(address)).toMatchObject(taken);
    expect(await from("203.0.113.7")).toMatchObject({ code: 503 });
    expect(await from("203.0.113.8")).toMatchObject(taken);
    expect(seen.map(({ remoteAddress }) => remoteAddress)).toEqual(["203.0.113.7", "203.0.113.7", "203.0.113.8", "203.0.113.8"]);
    expect(server.counters.frontend?.limits.connectionsPerAddress).toBe(1);
  });
});

function raise(): never {
  throw new Error("no such case");
}
