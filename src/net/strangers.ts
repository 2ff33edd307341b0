import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { systemClock, type Timer } from "../clock/index.ts";

/** Connections that nobody has come in by yet. */
export interface Strangers {
  add(session: ServerHttp2Session, socket: Socket): void;
  /** Somebody has come in by it, or it is gone. */
  forget(session: ServerHttp2Session): void;
}

// Whoever belongs here is no stranger within milliseconds: of more than these it is the oldest that goes.
const mostStrangers = 1_024;

/**
 * Closes connections that stay strangers.
 *
 * @param timeoutMs After how long.
 * @param refused Told of each that was closed.
 */
export function createStrangers(timeoutMs: number, refused: (why: "silent" | "busy") => void): Strangers {
  const strangers = new Map<ServerHttp2Session, { readonly socket: Socket; readonly timer: Timer }>();

  function close(session: ServerHttp2Session, why: "silent" | "busy"): void {
    const socket = strangers.get(session)?.socket;
    forget(session);
    refused(why);
    socket?.destroy();
  }

  function forget(session: ServerHttp2Session): void {
    strangers.get(session)?.timer.cancel();
    strangers.delete(session);
  }

  return {
    add(session, socket) {
      const [oldest] = strangers.keys();
      if (oldest && strangers.size >= mostStrangers) close(oldest, "busy");
      strangers.set(session, { socket, timer: systemClock.after(timeoutMs, () => close(session, "silent")) });
    },
    forget,
  };
}
