import type { Listener, TlsOptions } from "../net/index.ts";
import type { Acceptor } from "./acceptor.ts";
import { addressOf } from "./address.ts";

/** Where clients come in by TCP. */
export interface TcpOptions {
  /** 0 picks one. */
  readonly port: number;
  /** The default is "127.0.0.1". */
  readonly host?: string;
  /** The default is "tcp". */
  readonly name?: string;
  /** TLS over it. The default is none. */
  readonly tls?: TlsOptions;
}

/** Clients by TCP, or TLS over it. */
export function tcp(options: TcpOptions): Acceptor {
  const { port, host = "127.0.0.1", name = "tcp", tls } = options;
  let listener: Listener | undefined;
  return {
    name,
    async start(accept, server) {
      const at = { host, port, maxConnections: server.maxSockets, ...(tls ? { tls } : {}) };
      listener = await server.net.listen(at, accept);
      return addressOf({ host, port: listener.port });
    },
    pause: () => listener?.pause(),
    resume: () => listener?.resume(),
    stop: async () => listener?.close(),
  };
}
