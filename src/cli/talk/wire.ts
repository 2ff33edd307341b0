import type { Transport, TransportSocket } from "../../client/index.ts";

/** Hears the packets of a connection. The bytes are only true during the call. */
export type Wire = (way: "out" | "in", bytes: Uint8Array) => void;

/** A transport whose packets are heard, and whose socket can be cut. */
export function tapped(transport: Transport, wire: Wire): { readonly transport: Transport; drop(): void } {
  let cut: (() => void) | undefined;
  return {
    transport: {
      name: transport.name,
      async open(events, signal) {
        let over = false;
        let socket: TransportSocket | undefined;
        const closed = (error?: Error): void => {
          if (over) return;
          over = true;
          events.closed(error);
        };
        socket = await transport.open(
          {
            data(bytes) {
              if (over) return;
              wire("in", bytes);
              events.data(bytes);
            },
            closed,
          },
          signal,
        );
        cut = () => {
          socket.close();
          closed(new Error("cut"));
        };
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
  };
}
