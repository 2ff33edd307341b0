import type { DescFile, DescMethod, DescService } from "@bufbuild/protobuf";

// Field numbers of google.protobuf.FileDescriptorProto, ServiceDescriptorProto and MethodDescriptorProto, which paths are made of.
const fileService = 6;
const serviceMethod = 2;
const optionsOf = { file: 8, service: 3, method: 4 } as const;

/** Where something stands in its .proto, as "chat/v1/chat.proto:18:3". An option is found where its own line is known. */
export function position(desc: DescFile | DescService | DescMethod, option?: number): string {
  const file = desc.kind === "file" ? desc : desc.kind === "service" ? desc.file : desc.parent.file;
  const path = pathOf(desc);
  const name = `${file.name}.proto`;
  const full = option === undefined ? path : [...path, optionsOf[desc.kind === "rpc" ? "method" : desc.kind], option];
  for (let length = full.length; length > 0; length--) {
    const span = spanOf(file, full.slice(0, length));
    if (span) return `${name}:${(span[0] ?? 0) + 1}:${(span[1] ?? 0) + 1}`;
  }
  return `${name}:1:1`;
}

function pathOf(desc: DescFile | DescService | DescMethod): number[] {
  if (desc.kind === "file") return [];
  if (desc.kind === "service") return [fileService, desc.file.services.indexOf(desc)];
  return [...pathOf(desc.parent), serviceMethod, desc.parent.methods.indexOf(desc)];
}

function spanOf(file: DescFile, path: readonly number[]): readonly number[] | undefined {
  const locations = file.proto.sourceCodeInfo?.location ?? [];
  // An option written field by field has longer paths; the first of them is its line.
  return locations.find((one) => one.path.length >= path.length && path.every((step, at) => one.path[at] === step))?.span;
}
