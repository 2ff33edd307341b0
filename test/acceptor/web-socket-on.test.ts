import { createServer, get, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Acceptor, type WebSocketOnOptions, webSocketOn } from "../../src/acceptor/index.ts";
import { openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type Dialled, overSocket, overWebSocket } from "./cases.ts";
import { upgradeText } from "./raw-web-socket.ts";
import { framed, maxPacketBytes, packet, type StartedAcceptor, startAcceptor } from "./started.ts";

const tls = selfSigned();
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await until(openSockets).toBe(0);
});

/** A server of an application: every request is answered with its path. */
async function application(secure = false): Promise<{ readonly server: Server; readonly port: number }> {
  const answer = (request: IncomingMessage, response: { end(text: string): unknown }): void =>
    void response.end(request.url ?? "");
  const server = secure ? createTlsServer(tls, answer) : createServer(answer);
  await listen(server, { host: "127.0.0.1", port: 0 });
  return { server, port: portOf(server) };
}

async function listen(
  server: Server,
  at: { readonly host: string; readonly port: number } | { readonly path: string },
): Promise<void> {
  await new Promise<void>((resolve) => server.listen(at, resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return address.port;
}

async function start(
  server: Server,
  options: Partial<WebSocketOnOptions> = {},
): Promise<StartedAcceptor & { readonly acceptor: Acceptor }> {
  const acceptor = webSocketOn(server, { path: "/play", ...options });
  cleanups.push(() => acceptor.stop());
  return { acceptor, ...(await startAcceptor(acceptor)) };
}

function dial(port: number, path = "/play", headers: Readonly<Record<string, string>> = {}): Dialled {
  const client = overWebSocket(new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers }));
  cleanups.push(client.close);
  return client;
}

/** What the application answers to a request. */
function ask(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      let text = `${response.statusCode} `;
      response.setEncoding("utf8").on("data", (data: string) => {
        text += data;
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}

/** What an upgrade of a path is answered with. */
async function status(port: number, path: string, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port }).on("error", () => {});
  let text = "";
  socket.on("data", (data) => {
    text += data.toString("latin1");
  });
  cleanups.push(() => void socket.destroy());
  socket.write(upgradeText(`GET ${path} HTTP/1.1`, headers));
  await until(() => text.includes("\r\n\r\n"), 1_000).toBe(true);
  return text.slice("HTTP/1.1 ".length, text.indexOf("\r\n"));
}

describe("webSocketOn(), on a server of the application", () => {
  test("packets go both ways on its path, and the address is the server's", async () => {
    const { server, port } = await application();
    const { address, accepted } = await start(server);
    expect(address).toBe(`127.0.0.1:${port}`);
    const client = dial(port, "/play?room=1");
    client.send(packet("hello"));
    await until(() => accepted[0]?.heard.text.endsWith("hello")).toBe(true);
    const { socket, heard } = accepted[0] ?? raise();
    expect(socket.remoteAddress).toBe("127.0.0.1");
    socket.write(framed(socket, packet(1_000)));
    await until(() => client.heard).toBe(1_004);
    client.send(new Uint8Array(maxPacketBytes + 1));
    await until(() => client.state).toBe("closed");
    await until(() => heard.closes.length).toBe(1);
  });

  test("over HTTPS, whose pages are of another origin than those of HTTP", async () => {
    const { server, port } = await application(true);
    const { accepted } = await start(server);
    const secure = (origin: string): Dialled => {
      const options = { ca: tls.cert, servername: "localhost", headers: { host: "game.example", origin } };
      const client = overWebSocket(new WebSocket(`wss://127.0.0.1:${port}/play`, options));
      cleanups.push(client.close);
      return client;
    };
    const client = secure("https://game.example");
    client.send(packet("hello"));
    await until(() => accepted[0]?.heard.text.endsWith("hello")).toBe(true);
    const other = secure("http://game.example");
    await until(() => other.state).toBe("closed");
    expect(accepted.length).toBe(1);
  });

  test("requests stay the application's: on other paths, on that one too, and beside clients", async () => {
    const { server, port } = await application();
    await start(server);
    const client = dial(port);
    await until(() => client.state).toBe("open");
    for (const path of ["/", "/play", "/play/", "/other?x"]) expect(await ask(port, path)).toBe(`200 ${path}`);
    expect(client.state).toBe("open");
  });

  test.each(["before", "after"])("other upgrades stay the application's, who listened %s nano did", async (when) => {
    const { server, port } = await application();
    const chat = new WebSocketServer({ noServer: true });
    const listenToo = (): void => {
      server.on("upgrade", (request, socket, head) => {
        if (request.url !== "/chat") return;
        // It may take its time.
        setImmediate(() => chat.handleUpgrade(request, socket, head, (own) => own.send("the application's")));
      });
    };
    if (when === "before") listenToo();
    const { accepted } = await start(server);
    if (when === "after") listenToo();
    const client = dial(port, "/chat");
    await until(() => client.heard).toBe("the application's".length);
    expect(await status(port, "/play")).toBe("101 Switching Protocols");
    await until(() => accepted.length).toBe(1);
  });

  test("upgrades that nobody has are refused", async () => {
    const { server, port } = await application();
    const { accepted } = await start(server);
    for (const path of ["/chat", "/", "/play/", "/PLAY"]) expect(await status(port, path)).toBe("404 Not Found");
    expect(accepted).toEqual([]);
  });

  test("several on one server: each its path, in whatever order; what none has is refused once", async () => {
    const { server, port } = await application();
    const [one, two] = [await start(server, { path: "/one" }), await start(server, { path: "/two", name: "two" })];
    expect([one.acceptor.name, two.acceptor.name]).toEqual(["ws", "two"]);
    expect(await status(port, "/one")).toBe("101 Switching Protocols");
    expect(await status(port, "/two")).toBe("101 Switching Protocols");
    expect(await status(port, "/three")).toBe("404 Not Found");
    await until(() => [one.accepted.length, two.accepted.length]).toEqual([1, 1]);
  });

  test("its pages are those of the same host, and those that are listed", async () => {
    const { server, port } = await application();
    await start(server, { origins: ["https://play.example"] });
    const host = "game.example";
    expect(await status(port, "/play", { Host: host, Origin: "http://game.example" })).toMatch(/^101/);
    expect(await status(port, "/play", { Host: host, Origin: "https://play.example" })).toMatch(/^101/);
    // As behind a proxy that ends TLS.
    expect(await status(port, "/play", { Host: host, Origin: "https://game.example" })).toBe("403 Forbidden");
  });

  test("paused it takes nobody, and those that are there stay; resumed it takes again", async () => {
    const { server, port } = await application();
    const { acceptor, accepted } = await start(server);
    const there = dial(port);
    await until(() => accepted.length).toBe(1);
    acceptor.pause();
    expect(await status(port, "/play")).toBe("503 Service Unavailable");
    expect(await ask(port, "/")).toBe("200 /");
    there.send(packet("here"));
    await until(() => accepted[0]?.heard.text.endsWith("here")).toBe(true);
    acceptor.resume();
    expect(await status(port, "/play")).toMatch(/^101/);
    expect(accepted.length).toBe(2);
  });

  test("no more sockets than the frontend allows", async () => {
    const { server, port } = await application();
    const acceptor = webSocketOn(server, { path: "/play" });
    cleanups.push(() => acceptor.stop());
    const { accepted } = await startAcceptor(acceptor, () => {}, { maxSockets: 2 });
    const first = dial(port);
    await until(() => accepted.length).toBe(1);
    expect(await status(port, "/play")).toMatch(/^101/);
    expect(await status(port, "/play")).toBe("503 Service Unavailable");
    first.close();
    await until(() => accepted[0]?.heard.closes.length).toBe(1);
    expect(await status(port, "/play")).toMatch(/^101/);
  });

  test("stopped it is over when its clients are closed, and the server goes on", async () => {
    const { server, port } = await application();
    const { acceptor, accepted } = await start(server);
    const client = dial(port);
    await until(() => accepted.length).toBe(1);
    let over = false;
    const stopped = acceptor.stop().then(() => {
      over = true;
    });
    expect(await ask(port, "/")).toBe("200 /");
    expect(over).toBe(false);
    accepted[0]?.socket.end();
    await stopped;
    await until(() => client.state).toBe("closed");
    // As if it had never been: nobody takes upgrades, so this is a request.
    expect(server.listenerCount("upgrade")).toBe(0);
    expect(await status(port, "/play")).toBe("200 OK");
    const again = await start(server);
    dial(port);
    await until(() => again.accepted.length).toBe(1);
  });

  test("stopped, it cuts after 5 s whom nobody closed", async () => {
    const { server, port } = await application();
    const { acceptor, accepted } = await start(server);
    const client = dial(port);
    await until(() => accepted.length).toBe(1);
    await acceptor.stop();
    await until(() => client.state).toBe("closed");
    expect(server.listening).toBe(true);
  });

  test("it starts when the server does", async () => {
    const server = createServer();
    const starting = start(server);
    await listen(server, { host: "::1", port: 0 });
    expect((await starting).address).toBe(`[::1]:${portOf(server)}`);
    expect(server.listenerCount("error")).toBe(0);
  });

  test("on a socket of the machine, its path is the address", async () => {
    const server = createServer();
    const path = join(tmpdir(), `nano-${process.pid}-on.sock`);
    await listen(server, { path });
    const { address, accepted } = await start(server);
    expect(address).toBe(path);
    const client = overSocket(connect({ path }), "connect");
    cleanups.push(client.close);
    client.send(Buffer.from(upgradeText("GET /play HTTP/1.1")));
    await until(() => accepted.length).toBe(1);
    expect(accepted[0]?.socket.remoteAddress).toBe("");
  });

  test("a server that cannot listen, or does not, is the reason why it does not start", async () => {
    const { port } = await application();
    const taken = createServer();
    const starting = start(taken);
    taken.listen({ host: "127.0.0.1", port });
    await expect(starting).rejects.toThrow("EADDRINUSE");
    await expect(start(createServer())).rejects.toThrow("the HTTP server has not begun to listen within 5000 ms");
    expect(taken.listenerCount("upgrade")).toBe(0);
  });
});

function raise(): never {
  throw new Error("nobody was accepted");
}
