import { NanoError } from "../error/index.ts";
import type { ByteStream, Listener, StreamEvents, TlsOptions } from "../net/index.ts";
import { exactPacket, PacketError } from "../packet/index.ts";
import type { Accept, AcceptedSocket, Acceptor } from "./acceptor.ts";
import { addressOf } from "./address.ts";
import { allowsOrigin } from "./origin.ts";
import { webSocketFraming } from "./web-socket-framing.ts";

/** Where clients come in by WebSocket. */
export interface WebSocketOptions {
  /** 0 picks one. */
  readonly port: number;
  /** The default is "127.0.0.1". */
  readonly host?: string;
  /** The default is "ws". */
  readonly name?: string;
  /** The only path taken. The default is any. */
  readonly path?: string;
  /** Which pages may connect, beside those of the same host and port: origins, written out. The default is none; "any" is all. */
  readonly origins?: readonly string[] | "any";
  /** TLS under it. The default is none. */
  readonly tls?: TlsOptions;
}

/** Clients by WebSocket: one packet a message. */
export function webSocket(options: WebSocketOptions): Acceptor {
  const { port, host = "127.0.0.1", name = "ws", path, origins = [], tls } = options;
  let listener: Listener | undefined;
  return {
    name,
    async start(accept, server) {
      const { webSocket: net } = server.net;
      if (!net) throw new NanoError({ code: "unimplemented", message: "this net has no WebSockets" });
      listener = await net.listen(
        {
          host,
          port,
          ...(tls ? { tls } : {}),
          ...(path === undefined ? {} : { path }),
          maxMessageBytes: server.maxPacketBytes,
          maxConnections: server.maxSockets,
          maxFragments: server.maxFragments,
          allowOrigin: (origin, asked) => allowsOrigin(origin, asked, tls !== undefined, origins),
        },
        (stream) => packetEvents(stream, accept),
      );
      return addressOf({ host, port: listener.port });
    },
    pause: () => listener?.pause(),
    resume: () => listener?.resume(),
    stop: async () => listener?.close(),
  };
}

function packetEvents(stream: ByteStream, accept: Accept): StreamEvents {
  const socket: AcceptedSocket = {
    remoteAddress: stream.remoteAddress,
    framing: webSocketFraming,
    get queuedBytes() {
      return stream.queuedBytes;
    },
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
  const events = accept(socket);
  let breach: PacketError | undefined;
  return {
    data(bytes) {
      try {
        exactPacket(bytes);
      } catch (reason) {
        if (reason instanceof PacketError) breach = reason;
        stream.destroy();
        return;
      }
      events.data(bytes);
    },
    drain: () => events.drain(),
    closed: (error) => events.closed(breach ?? error),
  };
}
