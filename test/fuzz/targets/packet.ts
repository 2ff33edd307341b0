import { exactPacket, PacketDecoder, PacketError, PacketType } from "../../../src/packet/index.ts";
import { bytesOf as vectorBytes, vectors } from "../../vectors/vectors.ts";
import { bytesOf, holds, type Target } from "../engine/target.ts";

const maxPacketBytes = 65_536;
const header = (type: number, length: number): Uint8Array => Uint8Array.of(type, length >> 16, length >> 8, length);
const packet = (type: number, body: string | Uint8Array = ""): Uint8Array => bytesOf(header(type, bytesOf(body).length), body);

/** Bytes of a TCP socket, cut into packets: the first byte says how large the pieces are that they come in. */
export const packetStream: Target = {
  name: "packet-stream",
  throws: PacketError,
  maxBytes: maxPacketBytes * 2,
  chooses: true,
  tokens: [
    ...[1, 2, 3, 4, 5].map((type) => packet(type)),
    ...[
      header(4, 65_532),
      header(4, 65_533),
      header(1, 0xff_ffff),
      packet(4, "x"),
      "GET / HTTP/1.1\r\n",
      Uint8Array.of(22, 3, 1, 2, 0),
    ],
  ],
  seeds() {
    const all: Record<string, Uint8Array> = {};
    const whole = [...vectors.valid, ...vectors.invalid].filter(({ scope }) => scope !== "message");
    for (const [index, one] of whole.entries()) all[`${one.id}-${index}`] = bytesOf(0, vectorBytes(one));
    const conversation = bytesOf(
      packet(1, '{"sys":{}}'),
      packet(2),
      packet(3),
      packet(4, "\x00\x01\x03a.b{}"),
      packet(3),
      packet(5),
    );
    for (const size of [1, 2, 3, 4, 5, 7, 8, 64]) all[`conversation-by-${size}`] = bytesOf(size, conversation);
    all["empty"] = bytesOf(0);
    all["empty-bodies"] = bytesOf(0, packet(4), packet(4), packet(1), packet(5));
    all["largest"] = bytesOf(9, header(4, maxPacketBytes - 4), "only the beginning");
    all["over-the-limit"] = bytesOf(1, header(4, maxPacketBytes - 3), "x");
    all["cut-in-a-header"] = bytesOf(2, packet(4, "abc"), 4, 0, 0);
    all["tls"] = bytesOf(0, Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3));
    all["http"] = bytesOf(3, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    return all;
  },
  run(bytes) {
    const [piece = 0] = bytes;
    const stream = bytes.subarray(1);
    const inPieces = read(stream, piece === 0 ? stream.length : piece);
    const atOnce = piece === 0 ? inPieces : read(stream, stream.length);
    holds(inPieces.text === atOnce.text, "another split is another reading");
    if (atOnce.error) throw atOnce.error;
  },
};

/** One WebSocket message: exactly one packet. */
export const packetExact: Target = {
  name: "packet-exact",
  throws: PacketError,
  maxBytes: maxPacketBytes,
  tokens: packetStream.tokens,
  seeds() {
    const all: Record<string, Uint8Array> = {};
    for (const [index, one] of [...vectors.valid, ...vectors.invalid].entries()) all[`${one.id}-${index}`] = vectorBytes(one);
    all["empty"] = bytesOf();
    all["two"] = bytesOf(packet(3), packet(3));
    all["short"] = packet(4, "abc").subarray(0, 6);
    all["long"] = bytesOf(packet(4, "abc"), "d");
    return all;
  },
  run(bytes) {
    const type = exactPacket(bytes);
    const { text, error } = read(bytes, Math.max(1, bytes.length));
    holds(error === undefined && text === `${type}:0,${bytes.length};`, "the stream reads another packet");
  },
};

// Where the packets stand in all that came, and not what they hold: bodies are compared at their places.
function read(bytes: Uint8Array, piece: number): { readonly text: string; readonly error: unknown } {
  const decoder = new PacketDecoder({ maxPacketBytes });
  let text = "";
  let offset = 0;
  // Of a long stream in small pieces the pieces would cost more than the reading.
  const step = Math.max(piece, bytes.length >> 9);
  try {
    for (let from = 0; from < bytes.length; from += step) {
      const lent = bytes.slice(from, from + step);
      decoder.push(lent, (type, buffer, bodyFrom, bodyTo) => {
        const body = buffer.subarray(bodyFrom, bodyTo);
        holds(type >= PacketType.handshake && type <= PacketType.kick, "no packet type");
        holds(bodyTo - bodyFrom <= maxPacketBytes - 4, "a packet over the limit");
        holds(Buffer.compare(body, bytes.subarray(offset + 4, offset + 4 + body.length)) === 0, "a body that was not sent");
        text += `${type}:${offset},${offset + 4 + body.length};`;
        offset += 4 + body.length;
        return true;
      });
      lent.fill(0xee);
    }
    return { text, error: undefined };
  } catch (error) {
    return { text, error };
  }
}
