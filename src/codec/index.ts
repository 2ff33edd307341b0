export { keepNumber } from "./closed-enum.ts";
export { setEntry } from "./map-entry.ts";
export {
  type GroupCodec,
  type MessageParts,
  type PrintedCodec,
  printedCodec,
  prototypeOf,
  type Writable,
} from "./printed-codec.ts";
export { readGroup } from "./read-group.ts";
export { refuseUnset } from "./required-field.ts";
export { type JsonInit, structJson, structMessage } from "./struct-json.ts";
export { WireReader } from "./wire-reader.ts";
export {
  fork,
  type Int64,
  join,
  putBool,
  putDouble,
  putFixed32,
  putFixed64,
  putFloat,
  putInt32,
  putInt64,
  putSfixed32,
  putSfixed64,
  putSint32,
  putSint64,
  putUint32,
  putUint64,
  putVarint,
  writeBytes,
  writeRoom,
  writeString,
  writeTag,
  writeUnknown,
} from "./wire-writer.ts";
