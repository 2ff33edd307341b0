import { type ClientHttp2Session, connect, type Settings } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { TlsOptions } from "./net.ts";
import { clientTls } from "./tls-options.ts";

/** Where an HTTP/2 server is. */
export interface Http2Address {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsOptions;
}

/** A connection of the client's side, and the socket below it. */
export interface OpenSession {
  readonly session: ClientHttp2Session;
  readonly socket: Socket;
}

/** Connects. Aborting the signal before gives up. */
export async function openSession(at: Http2Address, settings: Settings, signal: AbortSignal): Promise<OpenSession> {
  const { host, port, tls } = at;
  const authority = `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
  const socket = tls ? connectTls({ host, port, ...clientTls(tls, host), ALPNProtocols: ["h2"] }) : connectTcp({ host, port });
  const session = connect(authority, { settings, createConnection: () => socket });
  session.on("error", () => {});
  await sessionReady(session, signal);
  return { session, socket };
}

function sessionReady(session: ClientHttp2Session, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      session.destroy();
      reject(signal.reason);
    };
    session.once("connect", () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    session.once("error", (error) => {
      signal.removeEventListener("abort", aborted);
      reject(error);
    });
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
  });
}
