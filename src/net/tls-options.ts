import { isIP } from "node:net";
import {
  type ConnectionOptions,
  createSecureContext,
  type TlsOptions as NodeTlsOptions,
  type SecureContext,
  type SecureContextOptions,
  type Server as TlsServer,
} from "node:tls";
import type { TlsIdentity, TlsOptions } from "./net.ts";

// A stranger who opens TLS and says nothing more.
const handshakeTimeoutMs = 5_000;

/** What a server shows to whoever opens TLS. */
export interface ServerTls {
  readonly options: NodeTlsOptions;
  /** Shows something else from now on. Throws where that makes no sense; then nothing has changed. */
  set(server: TlsServer, tls: TlsOptions): void;
}

/** Our options as a server of `node:tls` takes them. */
export function createServerTls(tls: TlsOptions): ServerTls {
  let named = namedContexts(tls);
  return {
    options: {
      ...contextOptions(tls, tls),
      requestCert: tls.requestCert ?? false,
      // Asking for a certificate and taking any would be no check.
      rejectUnauthorized: tls.requestCert ?? false,
      handshakeTimeout: handshakeTimeoutMs,
      // Asked of every handshake, so that names may come and go. No context of its own means the server's.
      SNICallback: (name, answer) => answer(null, contextFor(named, name.toLowerCase())),
    },
    set(server, next) {
      const contexts = namedContexts(next);
      server.setSecureContext(contextOptions(next, next));
      named = contexts;
    },
  };
}

function namedContexts({ cert, key, ca, names = {} }: TlsOptions): ReadonlyMap<string, SecureContext> {
  const named = Object.entries(names);
  if (cert !== undefined || key !== undefined || named.length === 0) checkIdentity("tls", { cert, key });
  return new Map(
    named.map(([name, identity]) => {
      // Node takes empty texts for none, and a file that is being written is empty for a moment.
      checkIdentity(`tls.names["${name}"]`, identity);
      return [name.toLowerCase(), createSecureContext(contextOptions(identity, { ca }))];
    }),
  );
}

function checkIdentity(
  what: string,
  { cert, key }: { readonly cert: string | undefined; readonly key: string | undefined },
): void {
  if (!cert || !key) throw new TypeError(`${what}: a certificate and its key are needed`);
}

function contextFor(named: ReadonlyMap<string, SecureContext>, name: string): SecureContext | undefined {
  return named.get(name) ?? named.get(`*${name.slice(name.indexOf("."))}`);
}

function contextOptions({ cert, key }: Partial<TlsIdentity>, { ca }: { readonly ca?: string | undefined }): SecureContextOptions {
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
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
