import type { Clock } from "../clock/index.ts";
import type { Logger } from "../logger/index.ts";
import type { Net } from "../net/index.ts";

/** A byte pipe to one client. */
export interface AcceptedSocket {
  readonly remoteAddress: string;
  /** Bytes written and not yet taken by the system. */
  readonly queuedBytes: number;
  /** What goes before each packet; absent where packets follow each other bare. */
  readonly framing?: Framing | undefined;
  /** Takes the bytes (they must not change afterwards). False when the pipe is full; wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  /** Sends what is written, then closes. */
  end(): void;
  destroy(): void;
}

/** What a transport lays before each packet, so that header and packets leave in one write. */
export interface Framing {
  /** How many bytes stand before a packet of this length. */
  headerBytes(packetBytes: number): number;
  /** Writes them. */
  writeHeader(target: Uint8Array, at: number, packetBytes: number): void;
}

/** What the frontend does with a socket. */
export interface SocketEvents {
  /** The bytes are only true during the call. On a framed socket each call brings one message, which has to be exactly one packet. */
  data(bytes: Uint8Array): void;
  drain(): void;
  /** Once, whatever the cause. */
  closed(error?: Error): void;
}

/** Takes a socket over. */
export type Accept = (socket: AcceptedSocket) => SocketEvents;

/** What an acceptor may use of the server that starts it. */
export interface AcceptorHost {
  readonly net: Net;
  readonly clock: Clock;
  readonly log: Logger;
  /** The largest packet that a client may send, in bytes, its header included. */
  readonly maxPacketBytes: number;
  /** How many sockets there may be at once, whatever they have said: the frontend tells those beyond its limit why, this bounds even that. */
  readonly maxSockets: number;
  /** In how many fragments a packet may come, where the transport has such. */
  readonly maxFragments: number;
  /** Whether other processes of this machine listen on the acceptor's port, too. */
  readonly sharePorts: boolean;
}

/** Where clients come in. */
export interface Acceptor {
  /** Unique on a server. */
  readonly name: string;
  /** Resolves with the address when it listens, as "127.0.0.1:3250"; rejects with the reason when it cannot. */
  start(accept: Accept, host: AcceptorHost): Promise<string>;
  /** Takes no more connections; those that are there stay. Where the port is shut meanwhile, balancers see it. */
  pause(): void;
  /** Takes connections again, a moment later. */
  resume(): void;
  /** Stops listening. The frontend closes the sockets that are there. */
  stop(): Promise<void>;
}
