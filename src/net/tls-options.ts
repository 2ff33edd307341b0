import { isIP } from "node:net";
import type { ConnectionOptions, TlsOptions as NodeTlsOptions } from "node:tls";
import type { TlsOptions } from "./net.ts";

// A stranger who opens TLS and says nothing more.
const handshakeTimeoutMs = 5_000;

/** Our options as a server of `node:tls` takes them. */
export function serverTls(tls: TlsOptions): NodeTlsOptions {
  return {
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    requestCert: tls.requestCert ?? false,
    // Asking for a certificate and taking any would be no check.
    rejectUnauthorized: tls.requestCert ?? false,
    handshakeTimeout: handshakeTimeoutMs,
  };
}

/** Our options as a client of `node:tls` takes them. An address is no name to ask for. */
export function clientTls(tls: TlsOptions, host: string): ConnectionOptions {
  const serverName = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
  return {
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: tls.rejectUnauthorized ?? true,
  };
}
