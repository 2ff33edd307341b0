/** What a transport tells of one socket. */
export interface TransportEvents {
  /** The bytes are only true during the call. */
  data(bytes: Uint8Array): void;
  /** Once, whatever the cause. */
  closed(error?: Error): void;
}

/** One open socket. */
export interface TransportSocket {
  /** Takes one whole packet, which does not change afterwards: a view, of a buffer with others in it. */
  send(packet: Uint8Array): void;
  /** Sends what was taken, then closes. */
  close(): void;
  /** Reads no more until `resume`, so that the server cannot write any more. Absent where the platform reads by itself. */
  pause?(): void;
  resume?(): void;
}

/** How bytes get to a server. */
export interface Transport {
  readonly name: string;
  /** Opens one socket; aborting the signal gives up. Rejects with the reason when it cannot. */
  open(events: TransportEvents, signal: AbortSignal): Promise<TransportSocket>;
}
