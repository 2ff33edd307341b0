import { NanoError } from "../error/index.ts";
import type { Listener, ListenOptions, ProxyOptions, TlsOptions } from "../net/index.ts";
import type { Accept, Acceptor, AcceptorHost } from "./acceptor.ts";
import { addressOf } from "./address.ts";

/** A port that clients come in by. */
export interface PortOptions {
  /** 0 picks one. */
  readonly port: number;
  /** The default is "127.0.0.1". "::" is every address of the machine, IPv4 as well; "0.0.0.0" is every one of IPv4. */
  readonly host?: string;
  /** TLS on it. The default is none. */
  readonly tls?: TlsOptions;
  /** Proxies before it that say, by the PROXY protocol, whom they hand on. The default is none. */
  readonly proxy?: ProxyOptions;
}

/** An acceptor on a port of its own. */
export interface PortAcceptor extends Acceptor {
  /**
   * Shows other certificates, and takes those of other authorities, from the next connection on: a certificate that was renewed. Clients that are
   * there stay. Whether clients are asked for a certificate does not change.
   *
   * @throws {TypeError} It was made without TLS.
   * @throws {Error} The certificate, or its key, makes no sense; the old one stays.
   */
  setTls(tls: TlsOptions): void;
}

// One line a minute tells of a proxy that is not set up; one a connection would fill the disk.
const tellEveryMs = 60_000;

/** What the acceptors of a port have in common. */
export function createPort(
  options: PortOptions & { readonly name: string },
  listen: (at: ListenOptions, accept: Accept, server: AcceptorHost) => Promise<Listener>,
): PortAcceptor {
  const { port, host = "127.0.0.1", name, proxy } = options;
  let { tls } = options;
  let listener: Listener | undefined;
  return {
    name,
    async start(accept, server) {
      const { clock, log } = server;
      let toldAtMs = Number.NEGATIVE_INFINITY;
      const refused = (remoteAddress: string, error: Error): void => {
        if (clock.now() - toldAtMs < tellEveryMs) return;
        toldAtMs = clock.now();
        log.warn({ acceptor: name, proxy: remoteAddress, why: error.message }, "a trusted proxy sent no proper PROXY header");
      };
      const shown = tls;
      const at: ListenOptions = {
        ...{ host, port, maxConnections: server.maxSockets, shared: server.sharePorts },
        ...(shown ? { tls: shown } : {}),
        ...(proxy ? { proxy, refused } : {}),
      };
      listener = await listen(at, accept, server);
      // Another one was set meanwhile.
      if (tls && tls !== shown) listener.setTls?.(tls);
      return addressOf({ host, port: listener.port });
    },
    pause: () => listener?.pause(),
    resume: () => listener?.resume(),
    stop: async () => listener?.close(),
    setTls(next) {
      if (!tls) throw new TypeError(`the acceptor "${name}" was made without TLS`);
      if (listener && !listener.setTls)
        throw new NanoError({ code: "unimplemented", message: "this net shows no other certificates" });
      listener?.setTls?.(next);
      tls = next;
    },
  };
}
