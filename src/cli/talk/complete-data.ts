import { type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";

/** What may follow in unfinished JSON of a message: names of fields where one is due, the values of an enum or a bool where one is. */
export function completeData(root: DescMessage, text: string): [string[], string] {
  const { scope, word } = place(root, text);
  if (!scope) return [[], word];
  const all = scope.due ? valuesOf(scope.due, scope) : (scope.message?.fields.map(({ jsonName }) => `"${jsonName}": `) ?? []);
  return [all.filter((one) => one.startsWith(word)), word];
}

function valuesOf(field: DescField, scope: Scope): string[] {
  // The braces of a list or of a map come first.
  if (field.fieldKind === "map" ? scope.kind !== "map" : field.fieldKind === "list" && scope.kind !== "list") return [];
  if (field.enum) return field.enum.values.map(({ name }) => `"${name}"`);
  return field.scalar === ScalarType.BOOL ? ["true", "false"] : [];
}

/** An object, a list or a map that is not closed yet. */
interface Scope {
  readonly kind: "object" | "list" | "map";
  /** Of an object; undefined where nothing is known of it. */
  readonly message: DescMessage | undefined;
  /** Of a list or a map: the field that it is the value of. */
  readonly of: DescField | undefined;
  /** The field whose value, element or entry is due; undefined: a name is, or nothing is known. */
  due: DescField | undefined;
}

/** Where the end of unfinished JSON stands in a message, and what has been typed of the word there. */
function place(root: DescMessage, text: string): { readonly scope: Scope | undefined; readonly word: string } {
  const scopes: Scope[] = [];
  let word = "";
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"?|[{}[\]:,]|[^\s{}[\]:,"]+|\s+/g)) {
    word = "";
    const here = scopes.at(-1);
    if (token === "{" || token === "[") scopes.push(opened(token, here, root));
    else if (token === "}" || token === "]") scopes.pop();
    else if (token === ",") {
      if (here && here.kind !== "list") here.due = undefined;
    } else if (/^\s/.test(token) || token === ":") continue;
    else if (here && here.kind !== "list" && !here.due && /^".*"$/.test(token) && token.length > 1)
      here.due = here.kind === "map" ? here.of : fieldOf(here.message, token.slice(1, -1));
    else word = token;
  }
  return { scope: scopes.at(-1), word };
}

function opened(token: "{" | "[", here: Scope | undefined, root: DescMessage): Scope {
  const field = here?.due;
  if (token === "[") return { kind: "list", message: undefined, of: field, due: field };
  if (field?.fieldKind === "map" && here?.kind !== "map") return { kind: "map", message: undefined, of: field, due: undefined };
  return { kind: "object", message: here ? field?.message : root, of: undefined, due: undefined };
}

function fieldOf(message: DescMessage | undefined, name: string): DescField | undefined {
  return message?.fields.find((one) => one.jsonName === name || one.name === name);
}
