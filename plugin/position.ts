import type { DescFile, DescMethod, DescService } from "@bufbuild/protobuf";

// Field numbers of google.protobuf.FileDescriptorProto, ServiceDescriptorProto and MethodDescriptorProto, which paths are made of.
const fileService = 6;
const serviceMethod = 2;
const optionsOf = { file: 8, service: 3, method: 4 } as const;

/** Where an option stands, or a field inside it. */
export type Place = (...fields: readonly number[]) => string;

/**
 * Where something stands in its .proto, as "chat/v1/chat.proto:18:3". An option, and a field inside it by further numbers, is found
 * where the compiler says so; else what it belongs to is.
 */
export function position(desc: DescFile | DescService | DescMethod, ...option: readonly number[]): string {
  const file = desc.kind === "file" ? desc : desc.kind === "service" ? desc.file : desc.parent.file;
  const options = optionsOf[desc.kind === "rpc" ? "method" : desc.kind];
  const path = option.length === 0 ? pathOf(desc) : [...pathOf(desc), options, ...option];
  for (let length = path.length; length > 0; length--) {
    const span = spanOf(file, path.slice(0, length));
    if (span) return `${file.name}.proto:${(span[0] ?? 0) + 1}:${(span[1] ?? 0) + 1}`;
  }
  return `${file.name}.proto:1:1`;
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
