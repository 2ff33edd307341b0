import type { Socket } from "node:net";

/** The sockets of a listener that are open. */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();
  // One for all: a closure of its own would be a part of what an idle socket costs.
  readonly #forget: (this: Socket) => void;

  constructor() {
    const sockets = this.#sockets;
    this.#forget = function (this: Socket): void {
      sockets.delete(this);
    };
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", this.#forget);
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
