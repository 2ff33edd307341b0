import type { Socket } from "node:net";

/**
 * Waits for what a connection says first, and puts it back, so that whoever takes the socket reads it again. A socket that says nothing is nobody's.
 *
 * @param timeoutMs After how long one that says nothing is closed; 0: it is not.
 * @param take Gets the first byte.
 */
export function onFirstByte(socket: Socket, timeoutMs: number, take: (byte: number) => void): void {
  // Always heard: an error without a listener ends the process.
  socket.on("error", ignored);
  const late = (): void => void socket.destroy();
  socket.setTimeout(timeoutMs, late);
  const readable = (): void => {
    const bytes: Buffer | null = socket.read();
    if (!bytes) return;
    socket.off("readable", readable);
    socket.off("timeout", late);
    socket.setTimeout(0);
    socket.unshift(bytes);
    take(bytes[0] ?? 0);
  };
  socket.on("readable", readable);
}

function ignored(): void {}
