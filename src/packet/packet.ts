/** What a packet is. Every other value of the first byte is no packet. */
export const PacketType = { handshake: 1, handshakeAck: 2, heartbeat: 3, data: 4, kick: 5 } as const;

/** The first byte of a packet. */
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** The type, and the body's length in 24 bits, big-endian (pomelo's packet protocol). */
export const packetHeaderBytes = 4;

/** The largest body that 24 bits can announce. */
export const maxPacketBodyBytes = 0xff_ffff;

/** Bytes that are no packet. The connection they came from is of no more use. */
export class PacketError extends Error {
  override readonly name = "PacketError";
  /** Whether it is a packet, but a larger one than is allowed. */
  readonly tooLarge: boolean;

  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

/** Reads the first byte. Throws PacketError on a type that does not exist. */
export function packetType(byte: number): PacketType {
  if (byte < PacketType.handshake || byte > PacketType.kick) {
    throw new PacketError(`0x${byte.toString(16).padStart(2, "0")} is no packet type`);
  }
  // The five types are the numbers 1 to 5.
  return byte as PacketType;
}

/** Writes the four bytes before a body. Throws PacketError over 2^24 - 1 bytes. */
export function writePacketHeader(target: Uint8Array, at: number, type: PacketType, bodyBytes: number): void {
  if (bodyBytes > maxPacketBodyBytes)
    throw new PacketError(`a packet holds at most ${maxPacketBodyBytes} bytes, not ${bodyBytes}`);
  target[at] = type;
  target[at + 1] = bodyBytes >>> 16;
  target[at + 2] = bodyBytes >>> 8;
  target[at + 3] = bodyBytes;
}

/** A whole packet. Throws PacketError over 2^24 - 1 bytes. */
export function encodePacket(type: PacketType, body: Uint8Array): Uint8Array {
  const packet = new Uint8Array(packetHeaderBytes + body.length);
  writePacketHeader(packet, 0, type, body.length);
  packet.set(body, packetHeaderBytes);
  return packet;
}

/** The body length that a header announces. */
export function readPacketBodyBytes(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** Checks that bytes are exactly one packet, as one WebSocket message must be, and gives its type. Throws PacketError. */
export function exactPacket(bytes: Uint8Array): PacketType {
  if (bytes.length < packetHeaderBytes) throw new PacketError("a packet has at least four bytes");
  const type = packetType(bytes[0] ?? 0);
  const announced = packetHeaderBytes + readPacketBodyBytes(bytes, 0);
  if (announced !== bytes.length) throw new PacketError(`a packet of ${announced} bytes in a message of ${bytes.length}`);
  return type;
}
