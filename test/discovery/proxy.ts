import { connect, createServer, type Socket } from "node:net";

/** A way to a port that can be cut. */
export interface WayToEtcd {
  /** As "127.0.0.1:2379". */
  readonly endpoint: string;
  /** Breaks every connection, and takes none. */
  cut(): void;
  /** What is connected, and whoever connects, hears nothing, and never will: as where packets get lost. */
  mute(): void;
  /** Whoever connects from now on gets through. */
  heal(): void;
  /** How many have connected. */
  readonly connections: number;
  close(): Promise<void>;
}

/** Stands between a client and an endpoint, at an address of this machine. */
export function startProxy(endpoint: string, host = "127.0.0.1"): Promise<WayToEtcd> {
  const target = Number(endpoint.slice(endpoint.lastIndexOf(":") + 1));
  const sockets = new Set<Socket>();
  let isCut = false;
  let isMute = false;
  let connections = 0;
  const server = createServer((near) => {
    connections++;
    near.on("error", () => {});
    if (isCut) return void near.destroy();
    if (isMute) {
      sockets.add(near);
      near.once("close", () => sockets.delete(near));
      return void near.resume();
    }
    const far = connect({ host: "127.0.0.1", port: target });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => {});
      one.once("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, host, () => {
      const address = server.address();
      resolve({
        endpoint: `${host}:${typeof address === "object" ? address?.port : 0}`,
        cut,
        mute() {
          isMute = true;
          for (const socket of sockets) {
            socket.unpipe();
            socket.removeAllListeners("data").resume();
          }
        },
        get connections() {
          return connections;
        },
        heal: () => {
          isCut = false;
          isMute = false;
        },
        close() {
          cut();
          return new Promise((closed) => server.close(() => closed()));
        },
      });
    });
  });
}
