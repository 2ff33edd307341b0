import {
  Code,
  ConnectError,
  type ConnectRouter,
  type ContextValues,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
} from "@connectrpc/connect";
import type { UniversalServerRequest } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { type Clock, createDeadlineSweep } from "../clock/index.ts";
import type { Logger } from "../logger/index.ts";
import type { CallRefusal, ClusterCounters } from "../metrics/index.ts";
import type { Http2Handler } from "../net/index.ts";
import { RequestBody } from "./request-body.ts";

type Http2Request = Parameters<Http2Handler>[0];
type Http2Response = Parameters<Http2Handler>[1];

/** What a port for plain calls is made of. */
export interface PlainPortOptions {
  /** What is served. */
  readonly services: readonly ((router: ConnectRouter) => void)[];
  /** Asked of every call before its body is read. Throws where it is not let in. The default lets all in. */
  readonly gate?: (context: HandlerContext) => void | Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Pick<ClusterCounters, "callsRefused">;
  /** The largest message, in bytes. The default is 1 MiB. */
  readonly maxMessageBytes?: number;
}

// How long a body may take from when it is first asked for; less where its caller gives the call less.
const withinMs = 5_000;
// So long the answer has to leave before the stream of a late body is closed.
const tellMs = 1_000;
const bodyKey = createContextKey<RequestBody | undefined>(undefined, { description: "the body of the call" });
const taken = createContextKey(false, { description: "whether the call is answered by what serves it" });
// Whoever called gave it up.
const givenUp: ReadonlySet<Code> = new Set([Code.Canceled, Code.Aborted, Code.DeadlineExceeded, Code.Unavailable]);

/** Says that a call is none that the port refuses: it was read, or what serves it has refused it. Unary calls say so by themselves when they are read. */
export function takeCall({ values }: Pick<HandlerContext, "values">): void {
  values.set(taken, true);
}

/** Serves methods to Connect, gRPC and gRPC-Web callers of any language, and counts what is refused before anything that serves has heard of it. */
export function createPlainPort(options: PlainPortOptions): Http2Handler {
  const { services, gate, clock, log, counters } = options;
  const maxBytes = options.maxMessageBytes ?? 1_048_576;
  const deadlines = createDeadlineSweep(clock);

  function refused(why: CallRefusal): void {
    counters.callsRefused[why]++;
  }

  const router = createConnectRouter({
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
        const { reason } = context.signal;
        // Connect itself does not end a read when the time of a call is up.
        if (ConnectError.from(reason).code === Code.DeadlineExceeded) context.values.get(bodyKey)?.expire();
        if (context.values.get(taken)) return;
        const why = refusalOf(context, reason);
        if (why) refused(why);
        // Connect takes bytes that are no message for a failure of its own, and tells of it after this.
        if (why === "body" && reason instanceof ConnectError && reason.code === Code.Internal)
          Object.assign(reason, { code: Code.InvalidArgument });
      };
      context.signal.addEventListener("abort", over, { once: true });
      await gate?.(context);
    },
  });
  for (const serve of services) serve(router);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  return (request, response) => {
    const handler = handlers.get(request.url.split("?", 1)[0] ?? "");
    if (!handler) {
      refused("method");
      response.writeHead(404);
      response.end();
      return;
    }
    response.once("finish", () => {
      const { statusCode } = response;
      if (statusCode === 415) refused("type");
      else if (statusCode === 405) refused("method");
    });
    const contextValues = createContextValues();
    const call = universalRequest(request, response, contextValues);
    if (!call) {
      refused("headers");
      response.writeHead(400);
      response.end();
      return;
    }
    const body = new RequestBody(request, {
      ...{ clock, deadlines, withinMs },
      late() {
        // Of a call that was answered before, nobody waited for the end of it.
        if (!response.writableEnded) refused("late");
        clock.after(tellMs, () => response.stream.close());
        return new ConnectError(`the body has not come within ${withinMs} ms, or its call's time`, Code.DeadlineExceeded);
      },
    });
    contextValues.set(bodyKey, body);
    handler({ ...call, body })
      .then((answer) => universalResponseToNodeResponse(answer, response))
      // Whoever called is gone.
      .catch((reason: unknown) => log.debug({ err: reason, method: handler.method.name }, "a plain call has no answer"));
  };
}

/** As Connect has it; undefined where it is for an authority that is none. */
function universalRequest(
  request: Http2Request,
  response: Http2Response,
  values: ContextValues,
): UniversalServerRequest | undefined {
  try {
    return universalRequestFromNodeRequest(request, response, undefined, values);
  } catch {
    return undefined;
  }
}

/** Why a call ended that nobody took. */
function refusalOf({ method }: HandlerContext, reason: unknown): CallRefusal | undefined {
  const { code } = ConnectError.from(reason);
  if (givenUp.has(code)) return undefined;
  if (code === Code.ResourceExhausted) return "size";
  // Pushes are called by nobody.
  return method.methodKind === "server_streaming" ? "method" : "body";
}
