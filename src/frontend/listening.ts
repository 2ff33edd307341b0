import type { AcceptedSocket, Acceptor, AcceptorHost, SocketEvents } from "../acceptor/index.ts";
import type { FrontendOptions } from "./frontend-options.ts";

/** The acceptors of a frontend, as one. */
export interface Listening {
  /** Starts all, and gives their addresses by name. One that cannot listen stops those before, and throws. */
  start(maxSockets: number): Promise<Record<string, string>>;
  /** Takes no more clients. */
  pause(): void;
  stop(): Promise<void>;
}

/** None listens yet. */
export function createListening(
  options: Pick<FrontendOptions, "acceptors" | "net" | "clock" | "log" | "limits" | "sharePorts">,
  accept: (socket: AcceptedSocket, acceptor: string) => SocketEvents,
): Listening {
  const { net, clock, log, limits, sharePorts } = options;
  const started: Acceptor[] = [];

  async function stop(): Promise<void> {
    await Promise.all(started.splice(0).map((acceptor) => acceptor.stop()));
  }

  return {
    async start(maxSockets) {
      const addresses: Record<string, string> = {};
      const host: AcceptorHost = {
        net,
        clock,
        log,
        maxPacketBytes: limits.packetBytes,
        maxFragments: limits.fragments,
        maxSockets,
        sharePorts,
      };
      try {
        for (const acceptor of options.acceptors) {
          if (acceptor.name in addresses) throw new TypeError(`two acceptors are named "${acceptor.name}"`);
          addresses[acceptor.name] = await acceptor.start((socket) => accept(socket, acceptor.name), host);
          started.push(acceptor);
        }
      } catch (reason) {
        await stop();
        throw reason;
      }
      return addresses;
    },
    pause() {
      for (const acceptor of started) acceptor.pause();
    },
    stop,
  };
}
