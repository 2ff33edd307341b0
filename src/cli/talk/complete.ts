import { completeData } from "./complete-data.ts";
import type { Desk } from "./desk.ts";
import { slot, type Verb } from "./verb.ts";
import { verbs } from "./verbs.ts";
import { firstWord } from "./words.ts";

/** What could be typed next: whole words, and the part of the line that they take the place of. */
export function complete(desk: Desk, line: string): [string[], string] {
  const [name, rest] = firstWord(line);
  const before = line.slice(0, line.length - rest.length);
  if (rest === "" && !/\s$/.test(line))
    return [fitting([...verbs.map((verb) => verb.name), "help", "exit"], name).map((one) => `${one} `), name];
  const verb = verbs.find((one) => one.name === name);
  const begun = /\$\{\w*$/.exec(line)?.[0];
  if (begun !== undefined) return [fitting([...desk.values.keys()].map(slot), begun), begun];
  if (verb?.words && !/\s/.test(rest)) return [fitting(verb.words(desk), rest), rest];
  const book = desk.open?.book;
  const asked = verb && routeIn(verb, rest, /\s$/.test(line));
  if (!asked || !book?.known) return [[], before];
  const [route, behind] = firstWord(asked.text);
  const data = verb.name === "on" ? behind.replace(/^pretty\s+/, "") : behind;
  if (behind === "" && !/\s$/.test(line)) {
    const kinds = asked.takes === "route" ? ["request", "notify", "push"] : [asked.takes];
    const routes = book.routes.filter(({ kind }) => kinds.includes(kind)).map((one) => one.route);
    return [fitting(routes, route), route];
  }
  const known = book.find(route);
  const message = asked.takes === "push" ? known?.output : known?.input;
  return message ? completeData(message, data) : [[], ""];
}

/** Where a route and its data stand behind a verb; undefined where none does. @param ended Whether a blank follows. */
function routeIn(
  { name, takes }: Verb,
  rest: string,
  ended: boolean,
): { readonly takes: NonNullable<Verb["takes"]>; readonly text: string } | undefined {
  if (takes) return { takes, text: rest };
  const [word, behind] = firstWord(rest);
  const more = behind !== "" || ended;
  // "expect push ROUTE", and "push USER ROUTE".
  if (more && ((name === "expect" && word === "push") || (name === "push" && word !== "")))
    return { takes: "push", text: behind };
  return undefined;
}

function fitting(all: readonly string[], begun: string): string[] {
  return all.filter((one) => one.startsWith(begun));
}
