import type { Directory, KnownRoute } from "../router/index.ts";

/** Finds routes as clients name them: "room.join", as old clients say it, is "join" of "room" on a server of this frontend's own types. */
export function createFindRoute(directory: Directory, types: readonly string[]): (route: string) => KnownRoute | undefined {
  return (route) => {
    const known = directory.route(route);
    if (known || !twoParts.test(route)) return known;
    for (const type of types) {
      const own = directory.route(`${type}.${route}`);
      if (own) return own;
    }
    return undefined;
  };
}

const twoParts = /^[^.]+\.[^.]+$/;
