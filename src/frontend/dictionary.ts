import { createHash } from "node:crypto";

/** Codes of routes, as one connection keeps them for its life. */
export interface CodeTable {
  /** What a client that comes back asks for it by. */
  readonly name: string;
  readonly codes: ReadonlyMap<string, number>;
  routeOf(code: number): string | undefined;
}

/** The codes that a frontend gives. A route keeps its code; new routes get new ones. */
export interface Dictionary {
  /** As it is now. */
  readonly table: CodeTable;
  /** Gives codes to those routes that have none. */
  learn(routes: readonly string[]): void;
}

const maxCode = 0xffff;

/** The name of the codes that generated clients know by themselves: their routes, sorted, from 1 on. */
export const printedTable = "printed";

/** An empty dictionary. */
export function createDictionary(): Dictionary {
  let table = createCodeTable([]);
  return {
    get table() {
      return table;
    },
    learn(routes) {
      const fresh = [...new Set(routes)].filter((route) => !table.codes.has(route)).sort();
      // Routes beyond the last code stay text.
      if (fresh.length > 0) table = createCodeTable([...table.codes.keys(), ...fresh].slice(0, maxCode));
    },
  };
}

/** The codes of routes by their order. @param name The default is made of the routes. */
export function createCodeTable(routes: readonly string[], name = nameOf(routes)): CodeTable {
  // Code 0 is left out: JavaScript takes it for none.
  return {
    name,
    codes: new Map(routes.map((route, at) => [route, at + 1])),
    routeOf: (code) => routes[code - 1],
  };
}

function nameOf(routes: readonly string[]): string {
  return createHash("sha256").update(routes.join("\n")).digest("base64url").slice(0, 12);
}
