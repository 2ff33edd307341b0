import { Code, ConnectError, type ConnectRouter, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { CallRefusal, ClusterCounters } from "../metrics/index.ts";
import type { Http2Handler } from "../net/index.ts";

/** What a port for plain calls is made of. */
export interface PlainPortOptions {
  /** What is served. */
  readonly services: readonly ((router: ConnectRouter) => void)[];
  /** Asked of every call before its body is read. Throws where it is not let in. The default lets all in. */
  readonly gate?: (context: HandlerContext) => void | Promise<void>;
  readonly counters: Pick<ClusterCounters, "callsRefused">;
  /** The largest message, in bytes. The default is 1 MiB. */
  readonly maxMessageBytes?: number;
}

const taken = createContextKey(false, { description: "whether the call is answered by what serves it" });
// Whoever called gave it up.
const givenUp: ReadonlySet<Code> = new Set([Code.Canceled, Code.Aborted, Code.DeadlineExceeded, Code.Unavailable]);

/** Says that a call is none that the port refuses: it was read, or what serves it has refused it. Unary calls say so by themselves when they are read. */
export function takeCall({ values }: Pick<HandlerContext, "values">): void {
  values.set(taken, true);
}

/** Serves methods to Connect, gRPC and gRPC-Web callers of any language, and counts what is refused before anything that serves has heard of it. */
export function createPlainPort(options: PlainPortOptions): Http2Handler {
  const { services, gate, counters } = options;
  const maxBytes = options.maxMessageBytes ?? 1_048_576;

  function refused(why: CallRefusal): void {
    counters.callsRefused[why]++;
  }

  const handle = connectNodeAdapter({
    readMaxBytes: maxBytes,
    writeMaxBytes: maxBytes,
    // A small compressed body may unpack to anything; inside a cluster there is nothing to gain.
    acceptCompression: [],
    maxTimeoutMs: 60_000,
    interceptors: [
      (next) => (request) => {
        if (!request.stream) request.contextValues.set(taken, true);
        return next(request);
      },
    ],
    async requestGate(context) {
      const over = (): void => {
        if (context.values.get(taken)) return;
        const { reason } = context.signal;
        const why = refusalOf(context, reason);
        if (why) refused(why);
        // Connect takes bytes that are no message for a failure of its own, and tells of it after this.
        if (why === "body" && reason instanceof ConnectError && reason.code === Code.Internal)
          Object.assign(reason, { code: Code.InvalidArgument });
      };
      context.signal.addEventListener("abort", over, { once: true });
      await gate?.(context);
    },
    fallback(_request, response) {
      refused("method");
      response.writeHead(404);
      response.end();
    },
    routes(router) {
      for (const serve of services) serve(router);
    },
  });

  return (request, response) => {
    response.once("finish", () => {
      const { statusCode } = response;
      if (statusCode === 415) refused("type");
      else if (statusCode === 405) refused("method");
    });
    handle(request, response);
  };
}

/** Why a call ended that nobody took. */
function refusalOf({ method }: HandlerContext, reason: unknown): CallRefusal | undefined {
  const { code } = ConnectError.from(reason);
  if (givenUp.has(code)) return undefined;
  if (code === Code.ResourceExhausted) return "size";
  // Pushes are called by nobody.
  return method.methodKind === "server_streaming" ? "method" : "body";
}
