import { connect, createServer, type Server, type Socket } from "node:net";
import { turn } from "../../src/clock/index.ts";

/** A proxy that lays bytes of the test's before the client's first, and cuts both where the test says. */
export interface ToyProxy {
  readonly port: number;
  /** Said before the first byte of each connection from now on. */
  header: Uint8Array;
  /** Where header and first bytes are cut in two; "every": into single bytes; undefined: nowhere. */
  cut: number | "every" | undefined;
  close(): Promise<void>;
}

/** Listens on a port of its own, before another. */
export async function startToyProxy(target: number): Promise<ToyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const { header, cut } = proxy;
    const upstream = connect({ host: "127.0.0.1", port: target, noDelay: true });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(client);
    client.once("data", async (first: Buffer) => {
      client.pause();
      await inPieces(upstream, Buffer.concat([header, first]), cut);
      client.pipe(upstream);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy = {
    port: portOf(server),
    header: new Uint8Array(),
    cut: undefined as ToyProxy["cut"],
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return proxy;
}

async function inPieces(socket: Socket, bytes: Buffer, cut: ToyProxy["cut"]): Promise<void> {
  const at = cut === undefined ? [] : cut === "every" ? [...bytes.keys()].slice(1) : [cut];
  let from = 0;
  for (const to of [...at, bytes.length]) {
    socket.write(bytes.subarray(from, to));
    from = to;
    // Without delay a piece is a segment, which the other side has read when the loop has come around twice.
    await turn();
    await turn();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("no port");
  return address.port;
}
