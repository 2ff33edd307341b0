import type { Message } from "@bufbuild/protobuf";
import { putInt32 } from "./wire-writer.ts";

/** Keeps a number that a closed enum does not have, as what nobody knows: it is written again as it came. */
export function keepNumber(message: Message, tag: number, value: number): void {
  const data = new Uint8Array(10);
  message.$unknown ??= [];
  message.$unknown.push({ no: tag >>> 3, wireType: tag & 7, data: data.slice(0, putInt32(data, 0, value)) });
}
