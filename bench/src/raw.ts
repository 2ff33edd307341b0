// The raw limits of the same machine: what comes in goes out, over TCP, over WebSocket, and through a proxy.
import { connect, createServer, type Server } from "node:net";
import { WebSocketServer } from "ws";

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
const sockets = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
await new Promise((resolve) => sockets.once("listening", resolve));
sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
const address = sockets.address();
console.log(`ready ${JSON.stringify({ tcp, proxy, ws: typeof address === "object" && address ? address.port : 0 })}`);
process.once("SIGTERM", () => process.exit(0));

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const at = server.address();
      resolve(typeof at === "object" && at ? at.port : 0);
    });
  });
}
