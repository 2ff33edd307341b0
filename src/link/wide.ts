// What protobuf keeps in 64 bits here counts from 1, and is never so large that a number would not do. `BigInt(number)` and `Number(bigint)` are calls out
// of compiled code, eight of them for each call between servers; a view of the same bytes is read and written within it.
const view = new DataView(new ArrayBuffer(8));

/** A whole number from 0 to 2^53 as a bigint. */
export function toBigint(number: number): bigint {
  view.setUint32(0, number, true);
  view.setUint32(4, number / 0x1_0000_0000, true);
  return view.getBigUint64(0, true);
}

/** A bigint of 64 bits as a number: beyond 2^53 it is only about right. */
export function toNumber(bigint: bigint): number {
  view.setBigUint64(0, bigint, true);
  return view.getUint32(0, true) + view.getUint32(4, true) * 0x1_0000_0000;
}
