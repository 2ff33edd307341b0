import { loadImage } from "../image/load-image.ts";
import { type KnownRoute, type RouteBook, routeBook } from "./route-book.ts";

/** The routes of handlers in a schema: an image, or a folder of .proto, which buf compiles. Rejects with a CommandError. */
export async function readBook(source: string): Promise<RouteBook> {
  const { services } = await loadImage(source);
  const routes = services
    .filter(({ kind }) => kind === "handler")
    .flatMap(({ methods }) =>
      methods.flatMap(({ kind, route, desc: { input, output } }): readonly KnownRoute[] => {
        if (kind === "push") return [{ kind, route, input: undefined, output }];
        if (kind === "notify") return [{ kind, route, input, output: undefined }];
        return kind === "request" ? [{ kind, route, input, output }] : [];
      }),
    );
  return routeBook(source, routes);
}
