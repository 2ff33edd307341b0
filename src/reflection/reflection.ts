import { gzipSync } from "node:zlib";
import { create, type DescFile, toBinary } from "@bufbuild/protobuf";
import { EmptySchema, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import {
  type Doc,
  DocSchema,
  type ProtoDescriptors,
  ProtoDescriptorsSchema,
  ProtoNamesSchema,
} from "../../gen/nano/client/v1/reflection_pb.ts";
import { NanoError } from "../error/index.ts";
import { docsOf } from "./docs.ts";
import { plainFile } from "./plain-file.ts";
import { type ShownRoute, type ShownType, shownName, shownTypes } from "./shown-types.ts";

/** What a server tells clients of its schema: handlers, pushes and the types that stand in them. */
export interface Reflection {
  docs(): Doc;
  /** Throws NanoError `not_found` on a name that the docs do not have, `invalid_argument` on one that comes twice. */
  descriptors(names: readonly string[]): ProtoDescriptors;
}

/** The route that answers with the docs. */
export const docsRoute = "nano.docs";
/** The route that answers with descriptors. */
export const descriptorsRoute = "nano.descriptors";

// What answers for the schema is in it, as Pitaya's command line expects.
const own: readonly ShownRoute[] = [
  { route: docsRoute, kind: "request", input: EmptySchema, output: DocSchema },
  { route: descriptorsRoute, kind: "request", input: ProtoNamesSchema, output: ProtoDescriptorsSchema },
];

/** @param routes What clients may call and hear, as it is now. */
export function createReflection(routes: () => readonly ShownRoute[]): Reflection {
  const all = (): readonly ShownRoute[] => [...routes(), ...own];
  return {
    docs: () => create(DocSchema, { doc: JSON.stringify(docsOf(all())) }),
    descriptors(names) {
      const shown = shownTypes(all());
      const byName = new Map([...shown].map((type) => [shownName(type), type]));
      if (new Set(names).size < names.length) throw new NanoError({ code: "invalid_argument", message: "a name comes twice" });
      const told = new Set<DescFile>();
      return create(ProtoDescriptorsSchema, { desc: names.map((name) => describe(name, byName.get(name), shown, told)) });
    },
  };
}

function describe(name: string, type: ShownType | undefined, shown: ReadonlySet<ShownType>, told: Set<DescFile>): Uint8Array {
  if (!type) throw new NanoError({ code: "not_found", message: `there is no message "${name}"` });
  // A file once is enough, and what stands for it again is empty: many messages of one file would make a very large answer.
  const file = told.has(type.file) ? create(FileDescriptorProtoSchema, { name: `again/${name}` }) : plainFile(type.file, shown);
  told.add(type.file);
  return gzipSync(toBinary(FileDescriptorProtoSchema, file));
}
