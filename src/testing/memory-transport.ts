import type { Transport } from "../client/index.ts";
import type { Net } from "../net/index.ts";

/** Clients' way over a network in memory. @param addressOf Where to, asked each time; throws where nobody listens. */
export function memoryTransport(net: Net, addressOf: () => string): Transport {
  return {
    name: "memory",
    async open(events, signal) {
      const address = addressOf();
      const port = Number(address.slice(address.lastIndexOf(":") + 1));
      const stream = await net.connect({ host: "127.0.0.1", port }, { ...events, drain: () => {} }, signal);
      return { send: (packet) => void stream.write(packet), close: () => stream.end() };
    },
  };
}
