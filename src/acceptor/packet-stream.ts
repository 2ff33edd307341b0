import type { ByteStream, StreamEvents } from "../net/index.ts";
import type { Accept, AcceptedSocket } from "./acceptor.ts";
import { webSocketFraming } from "./web-socket-framing.ts";

/** Hands a WebSocket over: one packet a message. Whoever sends anything else is told so by the frontend. */
export function acceptPackets(stream: ByteStream, accept: Accept): StreamEvents {
  const socket: AcceptedSocket = {
    remoteAddress: stream.remoteAddress,
    framing: webSocketFraming,
    get queuedBytes() {
      return stream.queuedBytes;
    },
    write: (bytes) => stream.write(bytes),
    end: () => stream.end(),
    destroy: () => stream.destroy(),
  };
  return accept(socket);
}
