export { acceptStream } from "./accept-stream.ts";
export type { Accept, AcceptedSocket, Acceptor, AcceptorHost, Framing, SocketEvents } from "./acceptor.ts";
export type { PortAcceptor, PortOptions } from "./port.ts";
export { type TcpOptions, tcp } from "./tcp.ts";
export { type WebSocketOnOptions, type WebSocketOptions, webSocket, webSocketOn } from "./web-socket.ts";
