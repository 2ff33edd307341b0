import type { Socket } from "node:net";
import { systemClock, type Timer } from "../clock/index.ts";
import { addressKey } from "./address-key.ts";

/** Connections that nobody has come in by yet. */
export interface Strangers {
  /** Counts a connection from its first moment on, until somebody comes in by it or it is gone. */
  add(socket: Socket): void;
  /** Somebody has come in by a connection, named as by `connectionKey`. */
  forget(connection: string): void;
}

interface Stranger {
  readonly socket: Socket;
  readonly address: string;
  readonly timer: Timer;
}

// Whoever belongs here is no stranger within milliseconds: of more than these it is the oldest that goes.
const mostStrangers = 1_024;
const mostOfAddress = 256;

/** Names a connection by its far end: TLS has another socket than what lies below it. */
export function connectionKey({ remoteAddress = "", remotePort = 0 }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Closes connections that stay strangers, and the oldest where there are too many: in all, or of one address.
 *
 * @param timeoutMs After how long.
 * @param refused Told of each that was closed.
 */
export function createStrangers(timeoutMs: number, refused: (why: "silent" | "busy") => void): Strangers {
  const strangers = new Map<string, Stranger>();
  const perAddress = new Map<string, Set<string>>();

  function close(connection: string, why: "silent" | "busy"): void {
    const socket = strangers.get(connection)?.socket;
    forget(connection);
    refused(why);
    socket?.destroy();
  }

  function forget(connection: string): void {
    const stranger = strangers.get(connection);
    if (!stranger) return;
    stranger.timer.cancel();
    strangers.delete(connection);
    const others = perAddress.get(stranger.address);
    others?.delete(connection);
    if (others?.size === 0) perAddress.delete(stranger.address);
  }

  return {
    add(socket) {
      const connection = connectionKey(socket);
      const address = addressKey(socket.remoteAddress ?? "") ?? socket.remoteAddress ?? "";
      const [oldestThere] = perAddress.get(address) ?? [];
      if (oldestThere !== undefined && (perAddress.get(address)?.size ?? 0) >= mostOfAddress) close(oldestThere, "busy");
      const [oldest] = strangers.keys();
      if (oldest !== undefined && strangers.size >= mostStrangers) close(oldest, "busy");
      const timer = systemClock.after(timeoutMs, () => close(connection, "silent"));
      strangers.set(connection, { socket, address, timer });
      perAddress.set(address, (perAddress.get(address) ?? new Set()).add(connection));
      socket.once("close", () => {
        if (strangers.get(connection)?.socket === socket) forget(connection);
      });
    },
    forget,
  };
}
