import type { DescMessage } from "@bufbuild/protobuf";
import type { Desk } from "./desk.ts";
import { verbs } from "./verbs.ts";
import { firstWord } from "./words.ts";

/** What could be typed next: whole words, and the part of the line that they take the place of. */
export function complete(desk: Desk, line: string): [string[], string] {
  const [name, rest] = firstWord(line);
  const before = line.slice(0, line.length - rest.length);
  if (rest === "" && !/\s$/.test(line))
    return [fitting([...verbs.map((verb) => verb.name), "help", "exit"], name).map((one) => `${one} `), name];
  const verb = verbs.find((one) => one.name === name);
  const book = desk.open?.book;
  if (!verb?.takes || !book?.known) return [[], before];
  const [route, data] = firstWord(rest);
  if (data === "" && !/\s$/.test(line)) {
    const kinds = verb.takes === "route" ? ["request", "notify", "push"] : [verb.takes];
    const routes = book.routes.filter(({ kind }) => kinds.includes(kind)).map((one) => one.route);
    return [fitting(routes, route), route];
  }
  const known = book.find(route);
  const message = verb.takes === "push" ? known?.output : known?.input;
  return message ? completeData(message, data) : [[], ""];
}

/** Names of fields where one is due, and of an enum's values where one is. */
function completeData(root: DescMessage, text: string): [string[], string] {
  const { message, field, word } = place(root, text);
  if (!message) return [[], word];
  if (field === undefined) {
    return [
      fitting(
        message.fields.map(({ jsonName }) => `"${jsonName}": `),
        word,
      ),
      word,
    ];
  }
  const desc = message.fields.find(({ jsonName, name }) => jsonName === field || name === field);
  const values = desc?.enum?.values.map(({ name }) => `"${name}"`) ?? [];
  return [fitting(values, word), word];
}

interface Place {
  /** Where the end of the text stands; undefined where nothing is known of it. */
  readonly message: DescMessage | undefined;
  /** The field whose value is due; undefined: a name is. */
  readonly field: string | undefined;
  /** What has been typed of it. */
  readonly word: string;
}

/** Where the end of unfinished JSON stands in a message. */
function place(root: DescMessage, text: string): Place {
  const stack: { readonly message: DescMessage | undefined; field: string | undefined; readonly list: boolean }[] = [];
  const top = (): (typeof stack)[number] | undefined => stack.at(-1);
  let word = "";
  for (const [token] of text.matchAll(/"(?:\\.|[^"\\])*"?|[{}[\]:,]|[^\s{}[\]:,"]+|\s+/g)) {
    word = "";
    const here = top();
    if (token === "{" || token === "[") {
      const value = here?.message?.fields.find(({ jsonName, name }) => jsonName === here.field || name === here.field);
      const message = stack.length === 0 ? root : here?.list ? here.message : value?.message;
      stack.push({ message, field: token === "[" ? here?.field : undefined, list: token === "[" });
    } else if (token === "}" || token === "]") stack.pop();
    else if (token === ",") {
      if (here && !here.list) here.field = undefined;
    } else if (/^\s/.test(token) || token === ":") continue;
    else if (here && here.field === undefined && /^".*"$/.test(token) && token.length > 1) here.field = token.slice(1, -1);
    else word = token;
  }
  const here = top();
  return {
    message: here?.message,
    field: here?.field,
    word,
  };
}

function fitting(all: readonly string[], begun: string): string[] {
  return all.filter((one) => one.startsWith(begun));
}
