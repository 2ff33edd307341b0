import type { Directory, KnownRoute } from "../router/index.ts";

/** Finds routes as clients name them: "room.join", as old clients say it, is "join" of "room" on a server of this frontend's own types. */
export function createFindRoute(directory: Directory, types: readonly string[]): (route: string) => KnownRoute | undefined {
  const { route: find } = directory;
  // Most often the next one is the same, and what is known of a route is one object for good.
  let last: KnownRoute | undefined;
  let lastRoute: string | undefined;
  return (route) => {
    if (route === lastRoute) return last;
    const known = find(route);
    if (known) {
      last = known;
      lastRoute = route;
    }
    if (known || !twoParts.test(route)) return known;
    for (const type of types) {
      const own = directory.route(`${type}.${route}`);
      if (own) return own;
    }
    return undefined;
  };
}

const twoParts = /^[^.]+\.[^.]+$/;
