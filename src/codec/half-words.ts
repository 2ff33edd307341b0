// Bytes of a number, in the order of the wire.
const scratch = new DataView(new ArrayBuffer(8));

/** The float of these 32 bits. */
export function toFloat(bits: number): number {
  scratch.setInt32(0, bits, true);
  return scratch.getFloat32(0, true);
}

/** The double of two halves. */
export function toDouble(low: number, high: number): number {
  put(low, high);
  return scratch.getFloat64(0, true);
}

/** The signed integer of two halves. */
export function toInt64(low: number, high: number): bigint {
  put(low, high);
  return scratch.getBigInt64(0, true);
}

/** The unsigned integer of two halves. */
export function toUint64(low: number, high: number): bigint {
  put(low, high);
  return scratch.getBigUint64(0, true);
}

function put(low: number, high: number): void {
  scratch.setInt32(0, low, true);
  scratch.setInt32(4, high, true);
}
