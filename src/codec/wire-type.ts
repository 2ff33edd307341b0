/** How a value stands in the wire format. Protobuf encoding guide, "Message structure". */
export const WireType = { varint: 0, bit64: 1, lengthDelimited: 2, startGroup: 3, endGroup: 4, bit32: 5 } as const;
