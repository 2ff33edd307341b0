import { CompressionError } from "../compression/index.ts";
import type { LimitName } from "../metrics/index.ts";
import { StreamError } from "../net/index.ts";
import { PacketError } from "../packet/index.ts";

/** Which bound it was over, where what broke the protocol was too large. */
export function sizeLimit(reason: unknown, acknowledged: boolean): LimitName | undefined {
  const large =
    reason instanceof StreamError
      ? reason.limit === "messageBytes"
      : (reason instanceof PacketError || reason instanceof CompressionError) && reason.tooLarge;
  if (large) return acknowledged ? "packetBytes" : "handshakeBytes";
  return reason instanceof StreamError && reason.limit === "fragments" ? "fragments" : undefined;
}
