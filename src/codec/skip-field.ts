import type { WireReader } from "./wire-reader.ts";
import { WireType } from "./wire-type.ts";

/** Goes past a field whose tag was read. @param depth How many groups may begin in each other. */
export function skipField(reader: WireReader, tag: number, depth: number): void {
  switch (tag & 7) {
    case WireType.varint:
      return reader.passVarint();
    case WireType.bit64:
      return void reader.pass(8);
    case WireType.bit32:
      return void reader.pass(4);
    case WireType.lengthDelimited:
      reader.pos = reader.endOf();
      return;
    case WireType.startGroup:
      return skipGroup(reader, tag >>> 3, depth);
    default:
      throw new Error(`cant skip wire type ${tag & 7}`);
  }
}

function skipGroup(reader: WireReader, no: number, depth: number): void {
  if (depth <= 0) throw new Error("maximum recursion depth reached");
  for (let tag = reader.tag(); ; tag = reader.tag()) {
    if ((tag & 7) === WireType.endGroup) {
      if (tag >>> 3 !== no) throw new Error("invalid end group tag");
      return;
    }
    skipField(reader, tag, depth - 1);
  }
}
