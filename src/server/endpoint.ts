import { type Clock, within } from "../clock/index.ts";
import type { Readiness } from "../context/index.ts";
import { NanoError } from "../error/index.ts";
import { type HttpAnswer, type Listener, listenHttp } from "../net/index.ts";
import type { ReporterPage } from "../reporter/index.ts";
import { hostPort } from "./host-port.ts";

/** Where a server is looked at over HTTP, by probes and scrapers. It has no secrets, and no protection. */
export interface HttpOptions {
  /** As "0.0.0.0:9100". The default is "127.0.0.1:0": port 0 picks one. */
  readonly listen?: string;
  /** What the cluster is told to scrape, where it is not `listen`: "10.0.0.1:9100". */
  readonly advertise?: string;
  /** Whether `/schema` shows what the cluster answers: every route of clients with its messages, as JSON. The default is false. */
  readonly schema?: boolean;
}

/** What an endpoint shows. */
export interface EndpointSources {
  readonly clock: Clock;
  readonly pages: ReadonlyMap<string, ReporterPage>;
  readiness(): Readiness;
  /** Finds out what of readiness is to be found out. Never rejects. */
  look(): Promise<void>;
  /** The routes that clients may call and hear, with their messages. */
  schema(): object;
  /** The endpoints of the cluster. */
  targets(): readonly object[];
}

// Whoever scrapes has gone by then.
const pageTimeoutMs = 5_000;

/** Opens the endpoint. Throws a TypeError for an address that is none; rejects where nobody may listen. */
export function openEndpoint(
  { listen = "127.0.0.1:0", schema = false }: HttpOptions,
  sources: EndpointSources,
): Promise<Listener> {
  return listenHttp(hostPort(listen), async (path) => {
    const page = sources.pages.get(path);
    if (page) {
      const read = await within(sources.clock, pageTimeoutMs, page.read(), () => {
        throw new NanoError({ code: "deadline_exceeded", message: `${path} took over ${pageTimeoutMs} ms` });
      });
      return { status: 200, ...read };
    }
    switch (path) {
      // That it answers at all is what it says.
      case "/healthz":
        return json(200, { ok: true });
      case "/readyz": {
        await sources.look();
        const readiness = sources.readiness();
        return json(readiness.ready ? 200 : 503, readiness);
      }
      case "/sd":
        return json(200, sources.targets());
      case "/schema":
        return schema ? json(200, sources.schema()) : undefined;
      default:
        return undefined;
    }
  });
}

function json(status: number, value: unknown): HttpAnswer {
  return { status, type: "application/json", text: `${JSON.stringify(value)}\n` };
}
