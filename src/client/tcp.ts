import { systemClock } from "../clock/index.ts";
import { systemNet, type TlsOptions } from "../net/index.ts";
import type { Transport } from "./transport.ts";

/** Where a server's TCP acceptor is. */
export interface TcpOptions {
  readonly host: string;
  readonly port: number;
  /** TLS over it: true for the system's authorities, or what to trust. The default is none. */
  readonly tls?: boolean | TlsOptions;
}

const pooledBytes = 4_096;
const nothing = new Uint8Array(0);

/** TCP, or TLS over it, for clients in Node. What is sent in one turn leaves in one write. */
export function tcp(options: TcpOptions): Transport {
  const { host, port, tls } = options;
  const secured = tls ? { tls: tls === true ? {} : tls } : {};
  return {
    name: "tcp",
    async open(events, signal) {
      const stream = await systemNet.connect({ host, port, ...secured }, { ...events, drain: () => {} }, signal);
      const waiting: Uint8Array[] = [];
      function flush(): void {
        const [first] = waiting;
        if (!first) return;
        // A small array of one's own is moved before it is written; one out of Node's pool is not.
        stream.write(waiting.length === 1 && first.length > pooledBytes ? first : Buffer.concat(waiting));
        // Emptied before it is cut: whatever stands in it while it rests would live as long as it does.
        waiting.fill(nothing).length = 0;
      }
      return {
        send(packet) {
          if (waiting.push(packet) === 1) systemClock.soon(flush);
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
