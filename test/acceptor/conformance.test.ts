import { createServer } from "node:http";
import { createServer as createNetServer, type Server } from "node:net";
import { type AcceptedSocket, type Acceptor, acceptStream, type SocketEvents, tcp, webSocket, webSocketOn } from "nano-rpc";
import { type AcceptorCheck, checkAcceptor } from "nano-rpc/testing";
import { afterEach, describe, expect, test } from "vitest";
import { openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { tcpDialer, webSocketDialer } from "./dialers.ts";

const tls = selfSigned();
const trusted = { ca: tls.cert, servername: "localhost" };

afterEach(() => until(openSockets).toBe(0));

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}

const own: Readonly<Record<string, AcceptorCheck>> = {
  tcp: {
    acceptor: tcp({ port: 0 }),
    dial: tcpDialer(),
    taken: (address) => tcp({ port: portOf(address) }),
  },
  "tcp over TLS": {
    acceptor: tcp({ port: 0, tls }),
    dial: tcpDialer(trusted),
    taken: (address) => tcp({ port: portOf(address), tls }),
  },
  "tcp on IPv6": { acceptor: tcp({ port: 0, host: "::1" }), dial: tcpDialer() },
  webSocket: {
    acceptor: webSocket({ port: 0 }),
    dial: webSocketDialer(),
    taken: (address) => webSocket({ port: portOf(address) }),
  },
  "webSocket over TLS": {
    acceptor: webSocket({ port: 0, tls }),
    dial: webSocketDialer(trusted),
    taken: (address) => webSocket({ port: portOf(address), tls }),
  },
};

describe("an acceptor that keeps its promises", () => {
  test.each(Object.entries(own))("%s", async (_name, check) => {
    await checkAcceptor(check);
  });

  test("webSocketOn", async () => {
    const server = createServer((_request, response) => void response.writeHead(404).end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await checkAcceptor({ acceptor: webSocketOn(server, { path: "/play" }), dial: webSocketDialer(undefined, "/play") });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test("one of somebody else", async () => {
    await checkAcceptor({ acceptor: plain(), dial: tcpDialer() });
  });
});

/** An acceptor as one writes it for the first time, with what is to be done wrong. */
function plain(wrong: Wrong = {}): Acceptor {
  let server: Server | undefined;
  let paused = false;
  return {
    name: "plain",
    start: (accept) =>
      new Promise((resolve, reject) => {
        server = createNetServer((socket) => {
          if (paused && !wrong.ignoresPause) socket.destroy();
          else if (wrong.accepts === false) socket.resume();
          else acceptStream((one) => wrapped(accept(wrong.socket?.(one) ?? one), wrong), socket, "");
        });
        server.once("error", wrong.swallowsErrors ? () => resolve("?") : reject);
        server.listen(wrong.port ?? 0, "127.0.0.1", () => {
          const address = server?.address();
          if (wrong.address !== undefined) resolve(wrong.address);
          else if (typeof address === "object" && address) resolve(`127.0.0.1:${address.port}`);
        });
      }),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = wrong.staysPaused ?? false;
    },
    stop: () =>
      new Promise((resolve) => {
        if (wrong.stopsAtOnce) resolve();
        else if (!wrong.neverStops) server?.close(() => resolve());
        if (wrong.goesOn || wrong.neverStops) setTimeout(() => server?.close(), 400);
        if (wrong.stopsAtOnce && !wrong.goesOn) server?.close();
      }),
  };
}

interface Wrong {
  readonly port?: number;
  readonly address?: string;
  readonly accepts?: false;
  readonly ignoresPause?: true;
  readonly staysPaused?: true;
  readonly swallowsErrors?: true;
  readonly neverStops?: true;
  readonly stopsAtOnce?: true;
  readonly goesOn?: true;
  socket?(socket: AcceptedSocket): AcceptedSocket;
  events?(events: SocketEvents): SocketEvents;
}

function wrapped(events: SocketEvents, { events: change }: Wrong): SocketEvents {
  return change?.(events) ?? events;
}

/** The same socket, but for one thing. */
function but(socket: AcceptedSocket, change: Partial<AcceptedSocket>): AcceptedSocket {
  return {
    remoteAddress: change.remoteAddress ?? socket.remoteAddress,
    get queuedBytes() {
      return change.queuedBytes ?? socket.queuedBytes;
    },
    framing: change.framing,
    write: change.write ?? ((bytes) => socket.write(bytes)),
    end: change.end ?? (() => socket.end()),
    destroy: change.destroy ?? (() => socket.destroy()),
  };
}

const framing = { headerBytes: () => 0, writeHeader: () => {} };

const broken: Readonly<Record<string, readonly [Wrong, string]>> = {
  "tells no address": [{ address: "" }, "start: it resolved with no address"],
  "accepts nobody": [{ accepts: false }, "packets: accept was not called"],
  "changes a byte": [
    {
      events: (events) => ({
        ...events,
        data: (bytes) => events.data(bytes.length > 1_000 ? bytes.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) : bytes),
      }),
    },
    "packets: packets of the client arrived changed",
  ],
  "keeps what it is to write": [
    { socket: (socket) => but(socket, { write: () => true }) },
    "packets: packets for the client did not arrive",
  ],
  "says that it brings packets, and brings bytes": [
    { socket: (socket) => but(socket, { framing }) },
    "data of a framed socket did not bring exactly one packet",
  ],
  "counts nothing": [{ socket: (socket) => but(socket, { queuedBytes: 0 }) }, "a full pipe: write was false, and queuedBytes 0"],
  "never drains": [{ events: (events) => ({ ...events, drain: () => {} }) }, "a full pipe: drain was not called"],
  "hides that clients leave": [
    { events: (events) => ({ ...events, closed: () => {} }) },
    "a client that leaves: closed was not called",
  ],
  "tells twice that a client left": [
    {
      events: (events) => ({
        ...events,
        closed: () => {
          events.closed();
          events.closed();
        },
      }),
    },
    "closed was called after closed",
  ],
  "throws last words away": [
    { socket: (socket) => but(socket, { end: () => socket.destroy() }) },
    "end: what was written before did not arrive",
  ],
  "ends nothing": [{ socket: (socket) => but(socket, { end: () => {} }) }, "end: closed was not called"],
  "destroys nothing": [{ socket: (socket) => but(socket, { destroy: () => {} }) }, "destroy: closed was not called"],
  "goes on while paused": [{ ignoresPause: true }, "pause and resume: a client was accepted"],
  "stays paused": [{ staysPaused: true }, "pause and resume: "],
  "goes on when stopped": [{ stopsAtOnce: true, goesOn: true }, "stop: a client was accepted"],
  "does not get done": [{ neverStops: true }, "stop: "],
};

describe("an acceptor that does not is told what is wrong with it", () => {
  test.each(Object.entries(broken))("it %s", async (_what, [wrong, words]) => {
    const checked = checkAcceptor({ acceptor: plain(wrong), dial: tcpDialer(), stepMs: 500 });
    await expect(checked).rejects.toThrow(words);
    await expect(checked).rejects.toThrow('the acceptor "plain", ');
  });

  test("it starts where another is", async () => {
    const check = { acceptor: plain(), dial: tcpDialer() };
    await checkAcceptor({ ...check, taken: (address) => plain({ port: portOf(address) }) });
    const second = { acceptor: plain(), taken: (address: string) => plain({ port: portOf(address), swallowsErrors: true }) };
    await expect(checkAcceptor({ ...check, ...second })).rejects.toThrow('the acceptor "plain", a taken address: start resolved');
  });
});
