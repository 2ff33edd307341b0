// A server of the old protocol, in JSON: written from the protocol's text alone, so that bots are not only tried against what nano itself says.
import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { WebSocketServer } from "ws";

/** Where it listens. */
export interface OldServer {
  readonly tcp: string;
  readonly tls: string;
  readonly ws: string;
  /** What clients told in theirs, in the order they came. */
  readonly handshakes: readonly unknown[];
  stop(): Promise<void>;
}

type Write = (bytes: Buffer) => void;
type Answer = Readonly<Record<string, unknown>>;

const [handshake, ack, heartbeat, data] = [1, 2, 3, 4];
// Routes that go by two bytes, as pomelo's dictionary has it.
const dictionary = { "connector.player.found": 7 };

function packet(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head[0] = type;
  head.writeUIntBE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** One client: hears bytes as they come. */
function conversation(write: Write, players: Map<string, string>, handshakes: unknown[]): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  let player: string | undefined;

  function answer(route: string, args: Answer): Answer {
    if (route === "connector.player.create") {
      const token = randomUUID();
      players.set(token, "fresh");
      return { code: "200", player: { accessToken: token } };
    }
    if (route === "connector.player.authenticate") {
      const token = String(args["accessToken"]);
      if (!players.has(token)) return { code: "401" };
      player = token;
      return { code: "200", player: { accessToken: token } };
    }
    if (route === "connector.player.findMatch" && player !== undefined) {
      // Before the answer: whoever listens afterwards must have heard it.
      push("connector.player.found", { code: "200", ip: "127.0.0.1", port: 9_090 });
      return { code: "200" };
    }
    return { code: "404" };
  }

  function push(route: string, body: Answer): void {
    const name = Buffer.from(route);
    write(packet(data, Buffer.concat([Buffer.from([3 << 1, name.length]), name, json(body)])));
  }

  function message(bytes: Buffer): void {
    const flags = bytes[0] ?? 0;
    const kind = (flags >> 1) & 7;
    let at = 1;
    let id = 0;
    for (let factor = 1; kind === 0; factor *= 128) {
      const byte = bytes[at++] ?? 0;
      id += (byte & 0x7f) * factor;
      if (byte < 128) break;
    }
    const coded = (flags & 1) !== 0;
    const length = coded ? 1 : (bytes[at] ?? 0);
    const route = coded ? "" : bytes.toString("utf8", at + 1, at + 1 + length);
    const args = JSON.parse(bytes.toString("utf8", at + 1 + length) || "{}") as Answer;
    if (kind !== 0) return;
    const ids: number[] = [];
    for (let left = id; ; left = Math.floor(left / 128)) {
      ids.push(left < 128 ? left : (left % 128) | 128);
      if (left < 128) break;
    }
    const said = json(answer(route, args));
    write(packet(data, Buffer.concat([Buffer.from([2 << 1, ...ids]), said])));
  }

  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readUIntBE(1, 3)) {
      const end = 4 + rest.readUIntBE(1, 3);
      const [type, body] = [rest[0], rest.subarray(4, end)];
      rest = rest.subarray(end);
      const sys = { heartbeat: 30, dict: dictionary, serializer: "json" };
      if (type === handshake) {
        handshakes.push(JSON.parse(body.toString()));
        write(packet(handshake ?? 1, json({ code: 200, sys })));
      } else if (type === heartbeat) write(packet(heartbeat ?? 3, Buffer.alloc(0)));
      else if (type === data) message(body);
      else if (type !== ack) return;
    }
  };
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
    });
  });
}

/** Starts one: over TCP, TLS and WebSocket, with the same players. */
export async function startOldServer(identity: { readonly cert: string; readonly key: string }): Promise<OldServer> {
  const players = new Map<string, string>();
  const handshakes: unknown[] = [];
  const open = new Set<{ destroy(): void }>();
  const take = (socket: import("node:net").Socket): void => {
    open.add(socket);
    socket.on("error", () => {}).on("close", () => open.delete(socket));
    socket.on(
      "data",
      conversation((bytes) => void socket.write(bytes), players, handshakes),
    );
  };
  const [plain, secure] = [createServer(take), createTlsServer(identity, take)];
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((ready) => sockets.once("listening", ready));
  sockets.on("connection", (socket) => {
    const hear = conversation((bytes) => socket.send(bytes), players, handshakes);
    socket.on("message", (bytes: Buffer) => hear(bytes));
  });
  const { port } = sockets.address() as { readonly port: number };
  const places = { tcp: `tcp://${await listen(plain)}`, tls: `tls://${await listen(secure)}`, ws: `ws://127.0.0.1:${port}` };
  return {
    ...places,
    handshakes,
    async stop() {
      for (const socket of open) socket.destroy();
      for (const socket of sockets.clients) socket.terminate();
      await Promise.all([plain, secure, sockets].map((one) => new Promise((closed) => one.close(closed))));
    },
  };
}
