import { readFileSync } from "node:fs";
import type { Transport } from "../client/index.ts";
import { tcp } from "../client/tcp.ts";
import { nodeWebSocket } from "./node-web-socket.ts";

/** How a server is reached, and what it is trusted by. */
export interface AddressOptions {
  /** Takes any certificate. */
  readonly insecure: boolean;
  /** A file of authorities, as PEM. */
  readonly ca: string | undefined;
}

/** One way to try. */
export interface Way {
  /** As "ws://127.0.0.1:3250". */
  readonly url: string;
  readonly transport: Transport;
}

const schemes = ["wss", "ws", "tls", "tcp"] as const;

/**
 * The ways that an address means: one for a URL (`tcp://`, `tls://`, `ws://`, `wss://`), and for HOST:PORT all of them, in the order in which Pitaya's
 * command line tries them (clients.md, 2). Throws a TypeError for what is neither.
 */
export function waysTo(address: string, options: AddressOptions): readonly Way[] {
  const scheme = /^([a-z]+):\/\//.exec(address)?.[1];
  if (scheme === undefined) return schemes.map((one) => way(new URL(`${one}://${address}`), options));
  if (!schemes.some((one) => one === scheme)) throw new TypeError(`"${address}": a URL begins with tcp, tls, ws or wss`);
  return [way(new URL(address), options)];
}

function way(url: URL, { insecure, ca }: AddressOptions): Way {
  const scheme = url.protocol.slice(0, -1);
  const text = url.href.replace(/\/$/, "");
  const tls = { rejectUnauthorized: !insecure, ...(ca ? { ca: authorities(ca) } : {}) };
  if (scheme === "ws" || scheme === "wss") return { url: text, transport: nodeWebSocket(url.href, scheme === "wss" ? tls : {}) };
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port);
  if (!(port > 0)) throw new TypeError(`${text} names no port`);
  return { url: text, transport: tcp({ host, port, ...(scheme === "tls" ? { tls } : {}) }) };
}

function authorities(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (reason) {
    throw new TypeError(`--ca: ${reason instanceof Error ? reason.message : reason}`);
  }
}
