import { afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Acceptor, tcp, type WebSocketOptions, webSocket } from "../../src/acceptor/index.ts";
import { first, openSockets, until } from "../net/recorder.ts";
import { selfSigned } from "../net/self-signed.ts";
import { type RawWebSocket, rawStranger, rawUpgrade, upgradeText } from "./raw-web-socket.ts";
import { framed, maxPacketBytes, packet, type StartedAcceptor, startAcceptor } from "./started.ts";

const binary = 0x82;
const text = 0x81;
const ping = 0x89;
const fin = 0x80;

interface Running extends StartedAcceptor {
  readonly acceptor: Acceptor;
}

const running: Acceptor[] = [];
const cleanups: (() => void)[] = [];

async function start(options: Partial<WebSocketOptions> = {}): Promise<Running> {
  const acceptor = webSocket({ port: 0, ...options });
  running.push(acceptor);
  return { acceptor, ...(await startAcceptor(acceptor)) };
}

function kept(raw: RawWebSocket): RawWebSocket {
  cleanups.push(() => raw.socket.destroy());
  return raw;
}

/** The client of the field. */
function dial(port: number, path = "", headers: Readonly<Record<string, string>> = {}): WebSocket {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers });
  socket.on("error", () => {});
  cleanups.push(() => socket.terminate());
  return socket;
}

/** The status that an upgrade is answered with; 101 where it is taken. */
function status(socket: WebSocket): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    socket.once("upgrade", () => resolve(101));
    socket.once("unexpected-response", (request, response) => {
      resolve(response.statusCode);
      request.destroy();
    });
    socket.once("error", reject);
  });
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  await Promise.all(running.splice(0).map((acceptor) => acceptor.stop()));
  // Nothing leaks, whatever the test did.
  await until(openSockets).toBe(0);
});

describe("webSocket(): who is taken", () => {
  test("the path, where one is set; its query is nobody's business", async () => {
    const { port, accepted } = await start({ path: "/play" });
    expect(await status(dial(port, "/play"))).toBe(101);
    expect(await status(dial(port, "/play?room=1"))).toBe(101);
    for (const wrong of ["", "/", "/play/", "/playing", "/PLAY", "/x?/play", "/%70lay", "//play"]) {
      expect(await status(dial(port, wrong)), wrong).toBe(404);
    }
    expect(accepted.length).toBe(2);
  });

  test("any path, where none is set", async () => {
    const { port } = await start();
    for (const path of ["", "/", "/any/where?x"]) expect(await status(dial(port, path))).toBe(101);
  });

  test("no origin, its own, or a listed one; on loopback from any port", async () => {
    const { port, accepted } = await start({ origins: ["https://play.example.com"] });
    for (const origin of [undefined, `http://127.0.0.1:${port}`, "http://127.0.0.1:3000", "https://play.example.com"]) {
      expect(await status(dial(port, "", origin === undefined ? {} : { origin })), origin).toBe(101);
    }
    const wrong = ["https://play.example.com.evil.com", "https://evil-play.example.com", "http://play.example.com", "null", ""];
    for (const origin of [...wrong, `http://localhost:${port}`, "https://play.example.com:8443"]) {
      expect(await status(dial(port, "", { origin })), origin).toBe(403);
    }
    expect(accepted.length).toBe(4);
  });

  test("the host that was asked is the Host header's, with its port", async () => {
    const { port } = await start();
    const host = "game.example:4000";
    expect(await status(dial(port, "", { host, origin: "http://game.example:4000" }))).toBe(101);
    expect(await status(dial(port, "", { host, origin: "http://game.example:4001" }))).toBe(403);
    expect(await status(dial(port, "", { host, origin: "http://game.example" }))).toBe(403);
  });

  test("a taken port is an error that names it", async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(`127.0.0.1:${port}`);
    await expect(startAcceptor(tcp({ port }))).rejects.toThrow(`127.0.0.1:${port}`);
  });

  test("no compression is offered to whoever asks for it", async () => {
    const { port } = await start();
    const raw = kept(await rawUpgrade(port, { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }));
    expect(raw.text).toMatch(/^HTTP\/1\.1 101 /);
    expect(raw.text.toLowerCase()).not.toContain("sec-websocket-extensions");
  });
});

describe("webSocket(): packets", () => {
  test("binary and text frames, in pieces or whole, are packets", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { heard } = await first(accepted);
    const said = [packet("one"), packet("two"), packet("three")].map((bytes) => Buffer.from(bytes).toString("latin1"));
    raw.frame(binary, said[0]);
    raw.frame(text, said[1]);
    const third = said[2] ?? "";
    raw.frame(0x02, third.slice(0, 3));
    raw.frame(ping, "between");
    raw.frame(0x00, third.slice(3, 5));
    raw.frame(fin, third.slice(5));
    const stripped = (): string => heard.text.replace(/[^a-z]/g, "");
    await until(stripped).toBe("onetwothree");
    await until(() => raw.text.includes("\x8a\x07between")).toBe(true);
  });

  test.each([0, 1, 121, 122, 65_531, 65_532, 200_000])(
    "a packet with a body of %i bytes arrives as one binary message",
    async (size) => {
      const { port, accepted } = await start();
      const client = dial(port);
      const messages: [Buffer, boolean][] = [];
      client.on("message", (data, isBinary) => messages.push([data as Buffer, isBinary]));
      const { socket } = await first(accepted);
      const sent = [packet(size), packet("next")];
      for (const bytes of sent) socket.write(framed(socket, bytes));
      await until(() => messages.length).toBe(2);
      expect(messages.map(([data, isBinary]) => [Buffer.compare(data, sent.shift() ?? data), isBinary])).toEqual([
        [0, true],
        [0, true],
      ]);
    },
  );

  test.each([
    ["nothing", ""],
    ["half a header", "\x04\x00"],
    ["an unknown type", "\x09\x00\x00\x00"],
    ["less than it announces", "\x04\x00\x00\x05abc"],
    ["more than it announces", "\x04\x00\x00\x01abc"],
    ["two packets", "\x03\x00\x00\x00\x03\x00\x00\x00"],
  ])("a message with %s is handed on as it is: the frontend says why it closes", async (_what, body) => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { heard } = await first(accepted);
    raw.frame(binary, body);
    raw.frame(binary, "\x03\x00\x00\x00");
    await until(() => heard.byteCount).toBe(body.length + 4);
    expect(heard.closes).toEqual([]);
  });

  test("a packet of the limit is taken", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { heard } = await first(accepted);
    raw.frame(binary, packet(maxPacketBytes - 4));
    await until(() => heard.byteCount).toBe(maxPacketBytes);
    expect(raw.closeCode).toBeUndefined();
  });

  test("breaking the rules is told by its code, and the stream is closed though the peer does not answer", async () => {
    const { port, accepted } = await start();
    const broken: [what: string, code: number, say: (raw: RawWebSocket) => void][] = [
      ["over the limit", 1009, (raw) => raw.frame(binary, packet(maxPacketBytes - 3))],
      ["over the limit in pieces", 1009, (raw) => [raw.frame(0x02, new Uint8Array(maxPacketBytes)), raw.frame(fin, "x")]],
      [
        "a length that no message has",
        1009,
        (raw) => raw.socket.write(Buffer.from([binary, 0xff, 0, 0, 0, 1, ...Array(8).fill(0)])),
      ],
      ["65 pieces", 1008, (raw) => [raw.frame(0x02, "x"), ...Array.from({ length: 64 }, () => raw.frame(0x00, "x"))]],
      ["no mask", 1002, (raw) => raw.frame(binary, packet("x"), false)],
      ["a reserved bit", 1002, (raw) => raw.frame(binary | 0x40, packet("x"))],
      ["a reserved opcode", 1002, (raw) => raw.frame(0x83, packet("x"))],
      ["a continuation of nothing", 1002, (raw) => raw.frame(fin, packet("x"))],
      ["a long ping", 1002, (raw) => raw.frame(ping, new Uint8Array(126))],
      ["a ping in pieces", 1002, (raw) => raw.frame(0x09, "x")],
      ["text that is no UTF-8", 1007, (raw) => raw.frame(text, "\x04\x00\x00\x01\xff")],
      ["a close code that may not be sent", 1002, (raw) => raw.frame(0x88, "\x03\xed")],
    ];
    await Promise.all(
      broken.map(async ([what, code, say]) => {
        const raw = kept(await rawUpgrade(port));
        say(raw);
        await until(() => [what, raw.closeCode]).toEqual([what, code]);
        // Whatever it says now is not heard.
        raw.frame(binary, packet("more"));
      }),
    );
    await until(() => accepted.map(({ heard }) => heard.closes.length), 7_000).toEqual(broken.map(() => 1));
    expect(accepted.map(({ heard }) => heard.byteCount)).toEqual(broken.map(() => 0));
  });

  test("a peer that pings and does not read is cut before its answers pile up", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    raw.socket.pause();
    const { socket, heard } = await first(accepted);
    // More than the system buffers: answers have to wait here.
    socket.write(framed(socket, packet(8 * 1_024 * 1_024)));
    expect(socket.queuedBytes).toBeGreaterThan(0);
    for (let sent = 0; sent < 5_000; sent++) raw.frame(ping, "p".repeat(125));
    await until(() => heard.closes.length).toBe(1);
  });

  test("a peer that pings and reads is answered, however often", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    for (let answered = 50; answered <= 500; answered += 50) {
      for (let sent = 0; sent < 50; sent++) raw.frame(ping, "p");
      await until(() => raw.text.split("\x8a\x01p").length - 1).toBe(answered);
    }
    expect(accepted[0]?.heard.closes).toEqual([]);
  });
});

describe("webSocket(): closing", () => {
  test("end is 1000, destroy is no word at all", async () => {
    const { port, accepted } = await start();
    for (const [how, code] of [
      ["end", 1000],
      ["destroy", 1006],
    ] as const) {
      const client = dial(port);
      const closed = new Promise((resolve) => client.once("close", resolve));
      await until(() => accepted.length).toBeGreaterThan(code === 1000 ? 0 : 1);
      const { socket, heard } = accepted.at(-1) as (typeof accepted)[number];
      socket.write(framed(socket, packet("last words")));
      socket[how]();
      expect(socket.write(framed(socket, packet("never")))).toBe(false);
      expect(await closed).toBe(code);
      await until(() => heard.closes.length).toBe(1);
    }
  });

  test("last words arrive before the close", async () => {
    const { port, accepted } = await start();
    const client = dial(port);
    const heard: string[] = [];
    client.on("message", (data) => heard.push(`${(data as Buffer).length}`));
    client.on("close", () => heard.push("closed"));
    const { socket } = await first(accepted);
    for (const size of [300_000, 10]) socket.write(framed(socket, packet(size)));
    socket.end();
    await until(() => heard).toEqual(["300004", "14", "closed"]);
  });

  test("a client's close is answered with its code", async () => {
    const { port, accepted } = await start();
    const client = dial(port);
    const { heard } = await first(accepted);
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.close(4_001, "enough");
    expect(await closed).toBe(4_001);
    await until(() => heard.closes).toEqual([undefined]);
  });

  test("a peer that does not answer the close is cut after 5 s", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { socket, heard } = await first(accepted);
    socket.end();
    await until(() => raw.closeCode).toBe(1000);
    raw.frame(binary, packet("still talking"));
    await until(() => heard.closes.length, 7_000).toBe(1);
    expect(heard.byteCount).toBe(0);
  });

  test("a peer that is gone is a close with no word", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { heard } = await first(accepted);
    raw.socket.resetAndDestroy();
    await until(() => heard.closes.length).toBe(1);
  });

  test("a peer that half-closes is closed", async () => {
    const { port, accepted } = await start();
    const raw = kept(await rawUpgrade(port));
    const { heard } = await first(accepted);
    raw.socket.end();
    await until(() => heard.closes.length).toBe(1);
    await until(() => raw.closed).toBe(true);
  });
});

describe("webSocket(): what is no upgrade", () => {
  test.each([
    ["a plain request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 426],
    ["a request with a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 426],
    ["another protocol", upgradeText(undefined, { Upgrade: "h2c" }), 400],
    ["another version", upgradeText(undefined, { "Sec-WebSocket-Version": "7" }), 400],
    ["no key", upgradeText(undefined, { "Sec-WebSocket-Key": undefined }), 400],
    ["a bad key", upgradeText(undefined, { "Sec-WebSocket-Key": "short" }), 400],
    ["another method", upgradeText("POST / HTTP/1.1"), 405],
    ["a page of elsewhere", upgradeText(undefined, { Origin: "https://evil.com" }), 403],
    ["another path", upgradeText("GET /elsewhere HTTP/1.1"), 404],
  ])("%s is answered, and cut though the peer does not close", async (_what, said, expected) => {
    const { port, accepted } = await start({ path: "/" });
    const raw = kept(rawStranger(port));
    raw.socket.write(said);
    await until(() => raw.text.slice(0, 12)).toBe(`HTTP/1.1 ${expected}`);
    await until(() => raw.closed).toBe(true);
    // Not only half: whoever writes on is told that nobody is there.
    const isTold = (): boolean => {
      raw.socket.write("?");
      return raw.socket.destroyed;
    };
    await until(isTold).toBe(true);
    expect(accepted).toEqual([]);
  });

  test.each([
    ["noise", "\x00\xff\x13\x37".repeat(32)],
    ["a line that never ends", "GET /".padEnd(20_000, "a")],
    ["headers over 16 KiB", upgradeText(undefined, { Cookie: "c".repeat(17_000) })],
    ["a header with a null", upgradeText(undefined, { Cookie: "\x00" })],
    ["two lengths", upgradeText("POST / HTTP/1.1", { "Content-Length": "1\r\nContent-Length: 2" })],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".padEnd(200, "x")],
  ])("%s is cut at once", async (_what, said) => {
    const { port, accepted } = await start();
    const raw = kept(rawStranger(port));
    raw.socket.write(Buffer.from(said, "latin1"));
    await until(() => raw.closed, 1_500).toBe(true);
    expect(accepted).toEqual([]);
  });

  test("silence, half a line and dripping headers are cut after 5 s", async () => {
    const { port, accepted } = await start();
    const strangers = ["", "GET / HT", upgradeText().slice(0, -2)].map((said) => {
      const raw = kept(rawStranger(port));
      raw.socket.write(said);
      return raw;
    });
    const [, , dripping] = strangers;
    const drip = setInterval(() => dripping?.socket.write("X: y\r\n"), 100);
    cleanups.push(() => clearInterval(drip));
    await until(() => strangers.map(({ closed }) => closed), 7_000).toEqual([true, true, true]);
    expect(accepted).toEqual([]);
  });

  test("silence under TLS is cut after 5 s", async () => {
    const { port, accepted } = await start({ tls: selfSigned() });
    const raw = kept(rawStranger(port));
    await until(() => raw.closed, 7_000).toBe(true);
    expect(accepted).toEqual([]);
  });

  test("a hundred strangers keep nobody else out", async () => {
    const { port, accepted } = await start();
    for (let count = 0; count < 100; count++) kept(rawStranger(port)).socket.write("GET / HTTP/1.1\r\n");
    dial(port);
    await until(() => accepted.length, 1_500).toBe(1);
  });
});
