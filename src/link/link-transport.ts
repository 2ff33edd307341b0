import type { ByteStream, Http2Handler, Http2Refusal, Listener, Net, StreamEvents, TlsOptions } from "../net/index.ts";

/** What carries links: streams of envelopes between two servers. */
export interface LinkTransport {
  listen(at: { readonly host: string; readonly port: number }, accept: (stream: ByteStream) => StreamEvents): Promise<Listener>;
  /** @param address As "10.0.0.1:4000". */
  dial(address: string, events: StreamEvents, signal: AbortSignal): Promise<ByteStream>;
}

/** How links are carried where the net has HTTP/2. */
export interface LinkTransportOptions {
  readonly tls?: TlsOptions;
  /** Whether a plain call may come in, by its headers. */
  readonly authorize: (headers: Readonly<Record<string, string | string[] | undefined>>) => boolean;
  /** Told of connections that were closed before anybody came in by them. The default is nobody. */
  readonly refused?: (why: Http2Refusal) => void;
  /** Answers plain calls. */
  readonly other: Http2Handler;
}

// A greeting has 5 s.
const strangerMs = 10_000;

// The bidirectional method that a link is.
const linkPath = "/nano.cluster.v1.LinkService/Link";

/**
 * Links as envelopes on byte streams. Where the net has HTTP/2 they share their port with plain calls, and come as Connect streams, too, if others open
 * them so.
 */
export function createLinkTransport(net: Net, options: LinkTransportOptions): LinkTransport {
  const { tls, authorize, other, refused = () => {} } = options;
  const secured = tls ? { tls } : {};
  const { http2 } = net;
  return {
    listen: (at, accept) =>
      http2?.listen({ ...at, ...secured, path: linkPath, authorize, other, strangerMs, refused }, accept) ??
      net.listen({ ...at, ...secured }, accept),
    dial: (address, events, signal) => net.connect({ ...split(address), ...secured }, events, signal),
  };
}

function split(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(colon + 1)) };
}
