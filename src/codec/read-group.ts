import type { WireReader } from "./wire-reader.ts";
import { WireType } from "./wire-type.ts";

/**
 * Reads what stands between two tags, up to the second one.
 *
 * @param number Of the group: its last tag has it.
 * @param readField Reads the field whose tag was read.
 */
export function readGroup<M>(
  message: M,
  reader: WireReader,
  number: number,
  readField: (message: M, reader: WireReader, tag: number) => void,
): void {
  reader.enter();
  while (!reader.atEnd) {
    const tag = reader.tag();
    if ((tag & 7) !== WireType.endGroup) readField(message, reader, tag);
    else if (tag >>> 3 === number) return reader.leave();
    else break;
  }
  throw new Error("invalid end group tag");
}
