import { systemNet, type TlsOptions } from "../net/index.ts";
import type { Transport } from "./transport.ts";

/** Where a server's TCP acceptor is. */
export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  /** TLS over it: true for the system's authorities, or what to trust. The default is none. */
  readonly tls?: boolean | TlsOptions;
}

/** TCP, or TLS over it, for clients in Node. What is sent in one turn leaves in one write. */
export function tcp(options: TcpOptions): Transport {
  const { host, port, tls } = options;
  const secured = tls ? { tls: tls === true ? {} : tls } : {};
  return {
    name: "tcp",
    async open(events, signal) {
      const stream = await systemNet.connect({ host, port, ...secured }, { ...events, drain: () => {} }, signal);
      let waiting: Uint8Array[] = [];
      function flush(): void {
        const packets = waiting;
        waiting = [];
        const [first] = packets;
        if (first) stream.write(packets.length === 1 ? first : Buffer.concat(packets));
      }
      return {
        send(packet) {
          if (waiting.push(packet) === 1) queueMicrotask(flush);
        },
        close() {
          flush();
          stream.end();
        },
        pause: () => stream.pause?.(),
        resume: () => stream.resume?.(),
      };
    },
  };
}
