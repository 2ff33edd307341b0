export type { Accept, AcceptedSocket, Acceptor, AcceptorHost, Framing, SocketEvents } from "./acceptor.ts";
