import { type DescFile, toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** A file and all that it imports. */
export function withImports(file: DescFile, found: Set<DescFile> = new Set()): Set<DescFile> {
  found.add(file);
  for (const dependency of file.dependencies) if (!found.has(dependency)) withImports(dependency, found);
  return found;
}

/** What a file says, with all that it imports: equal where two servers have the same version of it. */
export function fileText(file: DescFile): string {
  return [...withImports(file)].map(({ proto }) => base64Encode(toBinary(FileDescriptorProtoSchema, proto))).join();
}
