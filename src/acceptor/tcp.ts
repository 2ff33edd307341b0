import { createPort, type PortAcceptor, type PortOptions } from "./port.ts";

/** Where clients come in by TCP. */
export interface TcpOptions extends PortOptions {
  /** The default is "tcp". */
  readonly name?: string;
}

/** Clients by TCP, or TLS over it. */
export function tcp(options: TcpOptions): PortAcceptor {
  return createPort({ name: "tcp", ...options }, (at, accept, server) => server.net.listen(at, accept));
}
