import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { type ShownRoute, type ShownType, shownName, typeOf } from "./shown-types.ts";

/**
 * Every route with its messages, in the shape of Pitaya's docs: a message is an object under its name with a star before it. Pushes
 * stand among the handlers, so that Pitaya's command line can read them without being told how.
 */
export function docsOf(routes: readonly ShownRoute[]): object {
  const handlers = routes.map(({ route, kind, input, output }) => [
    route,
    {
      input: kind === "push" ? null : shown(input, new Set()),
      output: kind === "notify" ? ["error"] : [shown(output, new Set()), "error"],
    },
  ]);
  return { handlers: Object.fromEntries(handlers), remotes: {} };
}

// A type is spelled out where it stands first: it may hold itself.
function shown(type: ShownType, seen: Set<ShownType>): object {
  const name = `*${shownName(type)}`;
  if (type.kind === "enum") return { [name]: type.values.map((value) => value.name).join(" | ") };
  return { [name]: seen.has(type) ? {} : fieldsOf(type, seen.add(type)) };
}

function fieldsOf(message: DescMessage, seen: Set<ShownType>): object {
  return Object.fromEntries(message.fields.map((field) => [field.jsonName, fieldOf(field, seen)]));
}

function fieldOf(field: DescField, seen: Set<ShownType>): unknown {
  const type = typeOf(field);
  const value = type ? shown(type, seen) : ScalarType[field.scalar ?? ScalarType.STRING].toLowerCase();
  if (field.fieldKind === "list") return [value];
  return field.fieldKind === "map" ? { [ScalarType[field.mapKey].toLowerCase()]: value } : value;
}
