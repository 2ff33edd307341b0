export { decodeCount, encodeCount } from "./heartbeat.ts";
export {
  encodePacket,
  exactPacket,
  maxPacketBodyBytes,
  PacketError,
  PacketType,
  packetHeaderBytes,
  writePacketHeader,
} from "./packet.ts";
export { PacketDecoder, type TakePacket } from "./packet-decoder.ts";
