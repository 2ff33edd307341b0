import type { ByteStream, StreamEvents } from "../net/index.ts";
import { exactPacket, PacketError } from "../packet/index.ts";
import type { Accept, AcceptedSocket } from "./acceptor.ts";
import { webSocketFraming } from "./web-socket-framing.ts";

/** Hands a WebSocket over: one packet a message, and who sends anything else is closed. */
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
  const events = accept(socket);
  let breach: PacketError | undefined;
  return {
    data(bytes) {
      try {
        exactPacket(bytes);
      } catch (reason) {
        if (reason instanceof PacketError) breach = reason;
        stream.destroy();
        return;
      }
      events.data(bytes);
    },
    drain: () => events.drain(),
    closed: (error) => events.closed(breach ?? error),
  };
}
