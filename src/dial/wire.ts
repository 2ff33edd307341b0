import type { Transport, TransportSocket } from "../client/index.ts";

/** Hears the packets of a connection. The bytes are only true during the call. */
export type Wire = (way: "out" | "in", bytes: Uint8Array) => void;

/** A transport whose socket somebody has a hand on. */
export interface Tapped {
  readonly transport: Transport;
  /** Cuts the socket, as a bad network does. */
  drop(): void;
  /** The next connection goes by this one. */
  redirect(transport: Transport): void;
  /**
   * Reads no more until what it gives is called.
   *
   * @throws TypeError Where the transport cannot stop reading, or nothing is open.
   */
  stall(): () => void;
}

/** Has a hand on the sockets of a transport. @param wire Hears the packets. The default hears none. */
export function tapped(transport: Transport, wire?: Wire): Tapped {
  let by = transport;
  let open: TransportSocket | undefined;
  let cut: (() => void) | undefined;
  return {
    transport: {
      name: transport.name,
      async open(events, signal) {
        let over = false;
        const closed = (error?: Error): void => {
          if (over) return;
          over = true;
          events.closed(error);
        };
        const data = (bytes: Uint8Array): void => {
          if (over) return;
          wire?.("in", bytes);
          events.data(bytes);
        };
        const socket = await by.open({ data, closed }, signal);
        open = socket;
        cut = () => {
          socket.close();
          closed(new Error("cut"));
        };
        if (!wire) return socket;
        return {
          send(packet) {
            wire("out", packet);
            socket.send(packet);
          },
          close: () => socket.close(),
        };
      },
    },
    drop: () => cut?.(),
    redirect(to) {
      by = to;
    },
    stall() {
      const stalled = open;
      if (!stalled?.pause || !stalled.resume)
        throw new TypeError("only an open socket can stop reading, and not the platform's WebSocket");
      stalled.pause();
      return () => stalled.resume?.();
    },
  };
}
