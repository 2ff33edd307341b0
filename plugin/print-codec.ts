import type { DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";

/** Gives the codec of a message. */
export type PrintCodec = (message: DescMessage) => Printable;

/** Codecs that read descriptors at run time, which a bundler may leave out: small, where size goes before speed. */
export function reflectedCodecs(f: GeneratedFile, door: string): PrintCodec {
  return (message) => ["/*@__PURE__*/ ", f.import("reflectCodec", door), "(", f.importSchema(message), ")"];
}
