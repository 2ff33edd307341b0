import type { DescEnum, DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import { file_nano_client_v1_reflection } from "../../gen/nano/client/v1/reflection_pb.ts";
import type { RouteInfo } from "../route/index.ts";

/** What is told of a route. */
export type ShownRoute = Pick<RouteInfo, "route" | "kind" | "input" | "output">;

/** A message or enum that a client may meet. */
export type ShownType = DescMessage | DescEnum;

/** Every message and enum that stands in what clients send, or hear, on these routes. */
export function shownTypes(routes: readonly ShownRoute[]): ReadonlySet<ShownType> {
  const shown = new Set<ShownType>();
  const next = routes.flatMap(({ input, output }) => [input, output]);
  for (let message = next.pop(); message; message = next.pop()) {
    if (shown.has(message)) continue;
    shown.add(message);
    for (const field of message.fields) {
      const type = typeOf(field);
      if (type?.kind === "message") next.push(type);
      else if (type) shown.add(type);
    }
  }
  return shown;
}

/** The message or enum of a field, of a list's elements and of a map's values; undefined for scalars. */
export function typeOf(field: DescField): ShownType | undefined {
  return field.message ?? field.enum;
}

/**
 * The name that a type goes by. Pitaya's command line takes only names that begin with "proto" for messages, and knows the route of
 * descriptors by the names of what it is asked and answered with; bytes have no names, so any will do.
 */
export function shownName(type: ShownType): string {
  const { package: own } = type.file.proto;
  return `${shownPackage(type.file)}.${own === "" ? type.typeName : type.typeName.slice(own.length + 1)}`;
}

/** The package that a file goes by. */
export function shownPackage(file: DescFile): string {
  if (file.name === file_nano_client_v1_reflection.name) return "protos";
  return file.proto.package === "" ? "proto" : `proto.${file.proto.package}`;
}
