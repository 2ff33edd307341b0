import type { AcceptedSocket, Acceptor, AcceptorHost } from "../../src/acceptor/index.ts";
import { systemClock } from "../../src/clock/index.ts";
import { silentLogger } from "../../src/logger/index.ts";
import { systemNet } from "../../src/net/index.ts";
import { PacketType, packetHeaderBytes, writePacketHeader } from "../../src/packet/index.ts";
import { Recorder } from "../net/recorder.ts";

/** The largest packet that the acceptors of these tests take. */
export const maxPacketBytes = 1_024;

/** What acceptors are started with. */
export const acceptorHost: AcceptorHost = {
  net: systemNet,
  clock: systemClock,
  log: silentLogger,
  maxPacketBytes,
  maxSockets: Infinity,
  maxFragments: 64,
  sharePorts: false,
};

/** One client of an acceptor, and what it said. */
interface AcceptedClient {
  readonly socket: AcceptedSocket;
  readonly heard: Recorder;
}

/** An acceptor that runs. */
export interface StartedAcceptor {
  readonly address: string;
  readonly port: number;
  readonly accepted: readonly AcceptedClient[];
}

/** Starts it, and keeps whom it accepts. */
export async function startAcceptor(
  acceptor: Acceptor,
  onAccept: (socket: AcceptedSocket) => void = () => {},
  host: Partial<AcceptorHost> = {},
): Promise<StartedAcceptor> {
  const accepted: AcceptedClient[] = [];
  const address = await acceptor.start(
    (socket) => {
      const heard = new Recorder();
      accepted.push({ socket, heard });
      onAccept(socket);
      return heard;
    },
    { ...acceptorHost, ...host },
  );
  return { address, port: Number(address.slice(address.lastIndexOf(":") + 1)), accepted };
}

/** A packet whose body is so long, or is this text. */
export function packet(body: number | string): Uint8Array {
  const content = typeof body === "string" ? new TextEncoder().encode(body) : new Uint8Array(body).fill(7);
  const bytes = new Uint8Array(packetHeaderBytes + content.length);
  writePacketHeader(bytes, 0, PacketType.data, content.length);
  bytes.set(content, packetHeaderBytes);
  return bytes;
}

/** The packet as the acceptor's socket wants it: behind its frame, where it has one. */
export function framed(socket: AcceptedSocket, bytes: Uint8Array): Uint8Array {
  const head = socket.framing?.headerBytes(bytes.length) ?? 0;
  const all = new Uint8Array(head + bytes.length);
  socket.framing?.writeHeader(all, 0, bytes.length);
  all.set(bytes, head);
  return all;
}
