import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** How much of a connection gets through, in bytes from the client and to it. What comes behind is lost, and so is the connection. */
export interface Cut {
  readonly up: number;
  readonly down: number;
}

/** Stands between clients and a server, and cuts connections at any byte. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections so far. */
  readonly connections: number;
  /** Cuts the connections that are there. */
  cut(): void;
  /** Takes no connection until told otherwise. */
  refuse(refuses: boolean): void;
}

/** @param next How the next connection is cut; undefined: not. */
export async function cuttingProxy(port: number, next: () => Cut | undefined = () => undefined): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let connections = 0;
  let refuses = false;
  const server = createServer((near) => {
    if (refuses) return void near.destroy();
    connections++;
    const cut = next();
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    const end = (): void => {
      for (const socket of [near, far]) {
        socket.destroy();
        sockets.delete(socket);
      }
    };
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", end);
      socket.on("close", end);
    }
    pass(near, far, cut?.up, end);
    pass(far, near, cut?.down, end);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const cut = (): void => {
    for (const socket of [...sockets]) socket.destroy();
  };
  return {
    port: typeof address === "object" && address ? address.port : 0,
    get connections() {
      return connections;
    },
    cut,
    refuse(now) {
      refuses = now;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}

function pass(from: Socket, to: Socket, most: number | undefined, end: () => void): void {
  let left = most ?? Number.POSITIVE_INFINITY;
  from.on("data", (bytes) => {
    const through = bytes.subarray(0, Math.min(bytes.length, left));
    left -= through.length;
    if (left > 0) to.write(through);
    else to.write(through, end);
  });
}
