import { createServer } from "node:http";
import { httpLimits } from "./http-limits.ts";
import type { Listener } from "./net.ts";
import { listening } from "./tcp-net.ts";

/** What is answered. */
export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/**
 * Answers GET and HEAD over plain HTTP/1.1, for probes and scrapers.
 *
 * @param answer What stands at a path; undefined: nothing does. What it throws is answered 500, without its words.
 * @throws Where nobody may listen there.
 */
export function listenHttp(
  options: { readonly host: string; readonly port: number },
  answer: (path: string) => Promise<HttpAnswer | undefined>,
): Promise<Listener> {
  const server = createServer(httpLimits, (request, response) => {
    // What is asked with a body is no question.
    request.resume();
    const say = ({ status, type, text }: HttpAnswer): void => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    if (request.method !== "GET" && request.method !== "HEAD") return say(plain(405, "GET or HEAD, please\n"));
    answer((request.url ?? "/").split("?", 1)[0] ?? "/").then(
      (found) => say(found ?? plain(404, "nothing is here\n")),
      () => say(plain(500, "it could not be made\n")),
    );
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.maxConnections = 64;
  return listening(server, options, undefined);
}

function plain(status: number, text: string): HttpAnswer {
  return { status, type: "text/plain; charset=utf-8", text };
}
