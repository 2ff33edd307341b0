import { createServer, type Server, type ServerOptions, silentLogger, tcp, webSocket } from "nano-rpc";

/** A server that listens by TCP and WebSocket. */
export interface Started extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly ws: number;
}

/** Starts it, on ports of its own. */
export async function startServer(options: ServerOptions): Promise<Started> {
  const server = createServer({ log: silentLogger, ...options, acceptors: [tcp({ port: 0 }), webSocket({ port: 0 })] });
  await server.start();
  const portOf = (name: string): number => Number(server.addresses[name]?.split(":").at(-1));
  return {
    server,
    port: portOf("tcp"),
    ws: portOf("ws"),
    [Symbol.asyncDispose]: () => server.stop({ graceMs: 100 }),
  };
}
