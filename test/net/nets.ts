import { systemClock } from "../../src/clock/index.ts";
import { type ByteStream, createMemoryNet, type Listener, type Net, type StreamEvents, systemNet } from "../../src/net/index.ts";
import { selfSigned } from "./self-signed.ts";

/** One of the ways by which bytes go, as the tests of all of them see it. */
export interface NetCase {
  readonly name: string;
  listen(accept: (stream: ByteStream) => StreamEvents, port?: number): Promise<Listener>;
  connect(port: number, events: StreamEvents, signal?: AbortSignal): Promise<ByteStream>;
}

const host = "127.0.0.1";
const path = "/stream";
const never = new AbortController().signal;

function streams(name: string, net: Net, tls?: ReturnType<typeof selfSigned>): NetCase {
  return {
    name,
    listen: (accept, port = 0) => net.listen({ host, port, ...(tls ? { tls } : {}) }, accept),
    connect: (port, events, signal = never) =>
      net.connect({ host, port, ...(tls ? { tls: { ca: tls.cert } } : {}) }, events, signal),
  };
}

function http2Streams(name: string, tls?: ReturnType<typeof selfSigned>): NetCase {
  const { http2 } = systemNet;
  if (!http2) throw new Error("no HTTP/2");
  const other = (): void => {};
  return {
    name,
    listen: (accept, port = 0) =>
      http2.listen({ host, port, ...(tls ? { tls } : {}), path, authorize: () => true, other }, accept),
    connect: (port, events, signal = never) =>
      http2.connect({ host, port, ...(tls ? { tls: { ca: tls.cert } } : {}), path }, events, signal),
  };
}

/** Memory, and all that is real. */
export function netCases(): readonly NetCase[] {
  const tls = selfSigned();
  return [
    streams("memory", createMemoryNet({ clock: systemClock }).as("host")),
    streams("memory, 5 ms away", distant()),
    streams("TCP", systemNet),
    streams("TLS", systemNet, tls),
    http2Streams("HTTP/2"),
    http2Streams("HTTP/2 over TLS", tls),
  ];
}

// Latency is between hosts.
function distant(): Net {
  const net = createMemoryNet({ clock: systemClock, latencyMs: 5 });
  return { listen: net.as("server").listen, connect: net.as("client").connect };
}
