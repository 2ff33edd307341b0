import type { Transport } from "nano-rpc/client";
import { parseHandshakeAnswer } from "../../src/handshake/index.ts";
import { decodeMessage } from "../../src/message/index.ts";
import { PacketDecoder, PacketType } from "../../src/packet/index.ts";

/** A transport, and the codes of what goes over it. */
export interface WatchedCodes {
  readonly transport: Transport;
  /** How many routes the handshake's answer gave codes to. */
  readonly dictionary: number;
  /** The code of every message, -1 where it has none. */
  readonly sent: readonly number[];
  readonly received: readonly number[];
}

/** Watches a transport. */
export function watchCodes(transport: Transport): WatchedCodes {
  const [sent, received]: [number[], number[]] = [[], []];
  let dictionary = 0;
  const see = (codes: number[]): ((bytes: Uint8Array) => void) => {
    const decoder = new PacketDecoder({ maxPacketBytes: 1_000_000 });
    return (bytes) =>
      decoder.push(bytes, (type, buffer, from, to) => {
        if (type === PacketType.data) codes.push(decodeMessage(buffer, from, to).code);
        if (type === PacketType.handshake && codes === received) {
          dictionary = Object.keys(parseHandshakeAnswer(buffer.subarray(from, to)).sys.dict).length;
        }
        return true;
      });
  };
  return {
    sent,
    received,
    get dictionary() {
      return dictionary;
    },
    transport: {
      name: transport.name,
      async open(events, signal) {
        const [seeSent, seeReceived] = [see(sent), see(received)];
        const data = (bytes: Uint8Array): void => {
          seeReceived(bytes);
          events.data(bytes);
        };
        const socket = await transport.open({ ...events, data }, signal);
        return {
          send(packet) {
            seeSent(packet);
            socket.send(packet);
          },
          close: () => socket.close(),
        };
      },
    },
  };
}
