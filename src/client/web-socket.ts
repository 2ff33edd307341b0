import { onAbort } from "./on-abort.ts";
import type { Transport, TransportSocket } from "./transport.ts";

/** What a WebSocket asks for beside its address. */
export interface WebSocketOptions {
  /** Sub-protocols to offer. The default is none. */
  readonly protocols?: readonly string[];
  /** Headers of the request. Node's WebSocket takes them, a browser's does not: there `connect` fails. The default is none. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The platform's own WebSocket (browsers; Node since 22): one packet a message. */
export function webSocket(url: string, options: WebSocketOptions = {}): Transport {
  return {
    name: "ws",
    open(events, signal) {
      return new Promise<TransportSocket>((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const socket = openSocket(url, options);
        socket.binaryType = "arraybuffer";
        let open = false;
        const unheard = onAbort(signal, () => {
          socket.close();
          reject(signal.reason);
        });
        socket.addEventListener("open", () => {
          unheard();
          open = true;
          resolve({ send: (packet) => socket.send(owned(packet)), close: () => socket.close() });
        });
        socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
          // A text frame is no packet; the decoder says so of an empty one.
          events.data(data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(1));
        });
        socket.addEventListener("close", ({ code, reason }) => {
          unheard();
          const error =
            code === 1000 || code === 1005 ? undefined : new Error(`the WebSocket closed (${code}${reason && ` ${reason}`})`);
          if (open) events.closed(error);
          else reject(error ?? new Error("the WebSocket closed before it was open"));
        });
      });
    },
  };
}

function openSocket(url: string, { protocols = [], headers }: WebSocketOptions): WebSocket {
  if (!headers) return new WebSocket(url, [...protocols]);
  // A browser would take the object for the name of a sub-protocol.
  if ("document" in globalThis)
    throw new TypeError("browsers send no headers with a WebSocket: put it into the handshake's user");
  // What Node takes in place of the sub-protocols; its types, and the browser's, know nothing of it.
  const init: unknown = { protocols: [...protocols], headers };
  return new WebSocket(url, init as string[]);
}

// `send` wants bytes that no other thread shares, which the packets that we make never are.
function owned(packet: Uint8Array): Uint8Array<ArrayBuffer> {
  return packet as Uint8Array<ArrayBuffer>;
}
