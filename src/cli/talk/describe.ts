import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { KnownRoute, RouteBook } from "./route-book.ts";

/** A route with its messages, on a few lines. */
export function describeRoute({ route, kind, input, output }: KnownRoute): readonly string[] {
  const messages = [input, output].filter((message) => message !== undefined);
  return [`${kind.padEnd(8)} ${route}`, ...messages.map((message) => `  ${describeMessage(message)}`)];
}

/** A message on one line: `JoinRequest { room: string, name: string }`. */
export function describeMessage(message: DescMessage): string {
  const fields = message.fields.map((field) => `${field.jsonName}: ${typeOf(field)}`);
  return `${message.typeName} {${fields.length === 0 ? "" : ` ${fields.join(", ")} `}}`;
}

/** A message or enum by its name, whole or the last part of it. */
export function findType(book: RouteBook, name: string): DescMessage | DescEnum | undefined {
  const seen = new Set<DescMessage | DescEnum>();
  const next: (DescMessage | DescEnum)[] = book.routes.flatMap(({ input, output }) =>
    [input, output].filter((one) => one !== undefined),
  );
  for (let type = next.pop(); type; type = next.pop()) {
    if (seen.has(type)) continue;
    seen.add(type);
    if (type.typeName === name || type.typeName.endsWith(`.${name}`)) return type;
    if (type.kind === "message")
      for (const field of type.fields) next.push(...[field.message, field.enum].filter((one) => one !== undefined));
  }
  return undefined;
}

/** An enum on one line: `Mood { CALM, ANGRY }`. */
export function describeEnum({ typeName, values }: DescEnum): string {
  return `${typeName} { ${values.map(({ name }) => name).join(", ")} }`;
}

function typeOf(field: DescField): string {
  const one = field.message?.typeName ?? field.enum?.typeName ?? scalar(field.scalar);
  if (field.fieldKind === "list") return `${one}[]`;
  return field.fieldKind === "map" ? `{ [${scalar(field.mapKey)}]: ${one} }` : one;
}

function scalar(type: ScalarType | undefined): string {
  return ScalarType[type ?? ScalarType.STRING].toLowerCase();
}
