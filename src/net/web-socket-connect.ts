import type { ClientRequestArgs, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type RawData, WebSocket } from "ws";
import { systemClock } from "../clock/index.ts";
import { DirectSocket } from "./direct-socket.ts";
import { maskedFrames } from "./masked-frames.ts";
import type { ByteStream, StreamEvents, TlsOptions } from "./net.ts";
import { plainBytes } from "./plain-bytes.ts";
import { readFrames } from "./web-socket-reader.ts";

// How long a server may take to answer a close frame.
const closeTimeoutMs = 5_000;
// What the largest packet has: a length of three bytes, and a header of four.
const maxPayload = 2 ** 24 + 3;
const nothing = new Uint8Array(0);
const normal: ReadonlySet<number> = new Set([1000, 1005]);

/**
 * A WebSocket to a server, by the `ws` package: it takes certificates of other authorities, can be kept from reading, and costs a fraction of the
 * platform's own. `write` takes one whole message; those of one turn leave in one write. Rejects with the reason, or the signal's.
 */
export function connectWebSocket(
  url: string,
  tls: Pick<TlsOptions, "ca" | "rejectUnauthorized">,
  events: StreamEvents,
  signal: AbortSignal,
): Promise<ByteStream> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const socket = new WebSocket(url, {
      ...{ perMessageDeflate: false, maxPayload, ...tls },
      ...(new URL(url).protocol === "ws:" ? { createConnection: connectDirectly } : {}),
      // Spread, since the types of `ws` do not have its close timeout yet.
      ...{ closeTimeout: closeTimeoutMs },
    });
    let open = false;
    let failed: Error | undefined;
    const aborted = (): void => {
      reject(signal.reason);
      socket.terminate();
    };
    signal.addEventListener("abort", aborted, { once: true });
    socket.on("upgrade", ({ socket: raw }: IncomingMessage) => {
      raw.setNoDelay(true);
      socket.on("open", () => {
        signal.removeEventListener("abort", aborted);
        open = true;
        readFrames(socket, raw, { masked: false, maxPayload }, { take });
        resolve(streamOf(socket, raw));
      });
    });
    const take = (message: Uint8Array): void => events.data(message);
    socket.on("message", (data: RawData) => take(bytesOf(data)));
    socket.on("error", (error) => {
      failed = error;
    });
    socket.on("close", (code, reason) => {
      signal.removeEventListener("abort", aborted);
      const words = `the WebSocket closed (${code}${reason.length > 0 ? ` ${reason}` : ""})`;
      const error = normal.has(code) ? failed : (failed ?? new Error(words));
      if (open) events.closed(error);
      else reject(error ?? new Error("the WebSocket closed before it was open"));
    });
  });
}

// Reading goes past the streams then.
function connectDirectly({ host, port }: ClientRequestArgs): Socket {
  return new DirectSocket().connect({ host: host ?? "localhost", port: Number(port), noDelay: true });
}

function streamOf(socket: WebSocket, raw: Socket): ByteStream {
  const waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  function flush(): void {
    // Behind a close frame nothing may follow.
    if (waiting.length > 0 && socket.readyState === socket.OPEN) raw.write(maskedFrames(waiting));
    // Emptied before it is cut: whatever stands in it while it rests would live as long as it does.
    waiting.fill(nothing).length = waitingBytes = 0;
  }
  return {
    remoteAddress: raw.remoteAddress ?? "",
    get queuedBytes() {
      return socket.bufferedAmount + waitingBytes;
    },
    // Straight to the socket: whole frames, so that pongs of `ws` fit between.
    write(message) {
      if (socket.readyState !== socket.OPEN) return false;
      if (waiting.push(message) === 1) systemClock.soon(flush);
      waitingBytes += message.length;
      return true;
    },
    end() {
      flush();
      socket.close(1000);
    },
    destroy: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return plainBytes(Buffer.concat(data));
  return data instanceof ArrayBuffer ? new Uint8Array(data) : plainBytes(data);
}
