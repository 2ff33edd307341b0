import type { DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable } from "@bufbuild/protoplugin";
import type { MethodModel } from "./model.ts";

/** Gives the codec of a message. */
export type PrintCodec = (message: DescMessage) => Printable;

/** Codecs that read descriptors at run time, which a bundler may leave out: small, where size goes before speed. */
export function reflectedCodecs(f: GeneratedFile, door: string): PrintCodec {
  return (message) => ["/*@__PURE__*/ ", f.import("reflectCodec", door), "(", f.importSchema(message), ")"];
}

/** What is printed of messages and policies beside their types. */
export interface PrintDetails {
  readonly codec: PrintCodec;
  /** The check of a message by its rules; undefined where it has none, or not all of them are printed. */
  readonly check: (message: DescMessage) => Printable | undefined;
  /** Everything that holds for methods, as a table. */
  readonly policyTable: (methods: readonly MethodModel[]) => string;
}
