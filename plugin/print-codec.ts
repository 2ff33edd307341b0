import type { DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";

/** A codec of a message, which a bundler may leave out. */
export function printCodec(f: GeneratedFile, door: string, message: DescMessage): Printable {
  return ["/*@__PURE__*/ ", f.import("reflectCodec", door), "(", f.importSchema(message), ")"];
}
