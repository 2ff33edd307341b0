// The raw limits of the same machine: echo over TCP and WebSocket, a proxy, writes of one shared buffer, heartbeats to whoever is there.
import { connect, createServer, type Server, type Socket } from "node:net";
import { parseArgs } from "node:util";
import { type WebSocket, WebSocketServer } from "ws";
import { answerUsage } from "./usage.ts";

const { values: flags } = parseArgs({
  options: {
    /** The bytes of a push, as they leave: what `fanout` writes to everybody. */
    push: { type: "string", default: "00" },
    heartbeatMs: { type: "string", default: "10000" },
  },
});

const echo = createServer({ noDelay: true }, (socket) => {
  socket.on("data", (bytes) => socket.write(bytes)).on("error", () => {});
});
const tcp = await listen(echo);
const proxy = await listen(
  createServer({ noDelay: true }, (socket) => {
    const far = connect({ port: tcp, host: "127.0.0.1", noDelay: true });
    socket
      .on("error", () => {})
      .pipe(far)
      .on("error", () => {})
      .pipe(socket);
  }),
);
const webSockets = await serveWebSockets((socket) => socket.on("message", (data) => socket.send(data)));

// One shared buffer in a loop: nothing that pushes to many can be faster.
const push = Buffer.from(flags.push, "hex");
const everybody = new Set<Socket>();
function burst(asked: Buffer): void {
  // Who asks knows how many there are beside it; the last may be connected and not yet here.
  if (everybody.size <= asked.readUInt16BE(1)) return void setImmediate(burst, asked);
  for (let done = 0; done < (asked[0] ?? 0); done++) for (const socket of everybody) socket.write(push);
}
function hears(socket: Socket): void {
  everybody.add(socket);
  socket.on("close", () => everybody.delete(socket)).on("error", () => {});
}
const fanoutTcp = await listen(
  createServer({ noDelay: true }, (socket) => {
    hears(socket);
    socket.on("data", (bytes) => burst(Buffer.from(bytes)));
  }),
);
const fanoutWs = await serveWebSockets((socket, under) => {
  hears(under);
  socket.on("message", (data: Buffer) => burst(data));
});

// What idle clients cost at the least: a write and a read each heartbeat.
const idle = new Set<Socket | WebSocket>();
const heartbeat = Buffer.from([3, 0, 0, 0]);
const idleTcp = await listen(
  createServer({ noDelay: true }, (socket) => {
    idle.add(socket);
    socket
      .on("data", () => {})
      .on("close", () => idle.delete(socket))
      .on("error", () => {});
  }),
);
const idleWs = await serveWebSockets((socket) => {
  idle.add(socket);
  socket.on("message", () => {}).on("close", () => idle.delete(socket));
});
setInterval(() => {
  for (const socket of idle) {
    if ("write" in socket) socket.write(heartbeat);
    else socket.send(heartbeat);
  }
}, Number(flags.heartbeatMs));

answerUsage();
process.once("SIGTERM", () => process.exit(0));
console.log(`ready ${JSON.stringify({ tcp, proxy, ws: webSockets, fanoutTcp, fanoutWs, idleTcp, idleWs })}`);

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen({ port: 0, host: "127.0.0.1", backlog: 8_192 }, () => {
      const at = server.address();
      resolve(typeof at === "object" && at ? at.port : 0);
    });
  });
}

async function serveWebSockets(accept: (socket: WebSocket, under: Socket) => void): Promise<number> {
  const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  await new Promise((resolve) => sockets.once("listening", resolve));
  sockets.on("connection", (socket, request) => {
    socket.on("error", () => {});
    accept(socket, request.socket);
  });
  const address = sockets.address();
  return typeof address === "object" && address ? address.port : 0;
}
