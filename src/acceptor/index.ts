export { acceptStream } from "./accept-stream.ts";
export type { Accept, AcceptedSocket, Acceptor, AcceptorHost, Framing, SocketEvents } from "./acceptor.ts";
export { type TcpOptions, tcp } from "./tcp.ts";
export { type WebSocketOptions, webSocket } from "./web-socket.ts";
