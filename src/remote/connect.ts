import { create, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError, type ConnectRouter, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { ByteWriter, encodeMessage } from "../contract/index.ts";
import { codes, NanoError, publicError, unpackDetail } from "../error/index.ts";
import type { Entry } from "../pipeline/index.ts";
import type { Remotes } from "./remotes.ts";

/** What plain calls are answered with. */
export interface ConnectOptions {
  readonly remotes: Remotes;
  readonly now: () => number;
}

/** Serves the remotes as ordinary unary methods. */
export function createRemoteRoutes(options: ConnectOptions): (router: ConnectRouter) => void {
  const writer = new ByteWriter(1_024);
  return (router) => {
    const services = new Map<Entry["method"]["method"]["parent"], Entry[]>();
    for (const entry of options.remotes.routes.values()) {
      const service = entry.method.method.parent;
      services.set(service, [...(services.get(service) ?? []), entry]);
    }
    for (const [service, entries] of services) {
      const methods = entries.map((entry) => [
        entry.method.method.localName,
        (request: Message, context: HandlerContext) => answer(options, writer, entry, request, context),
      ]);
      // Every rpc of a remote is unary, and has its entry: the plugin and `implement` saw to that.
      router.service(service, Object.fromEntries(methods) as Partial<ServiceImpl<typeof service>>);
    }
  };
}

function answer(
  { remotes, now }: ConnectOptions,
  writer: ByteWriter,
  entry: Entry,
  request: Message,
  context: HandlerContext,
): Promise<Message> {
  const { method } = entry;
  if (method.kind !== "request") throw new ConnectError("not a request", Code.Unimplemented);
  const timeoutMs = context.timeoutMs() ?? method.timeoutMs ?? 5_000;
  return new Promise((resolve, reject) => {
    const breakOff = remotes.dispatch(
      method.route,
      encodeMessage(method.input, request, writer),
      { id: context.requestHeader.get("nano-caller") ?? "", types: [] },
      {
        deadlineMs: now() + timeoutMs,
        hops: counted(context, "nano-hops"),
        traceparent: context.requestHeader.get("traceparent") ?? "",
        tracestate: context.requestHeader.get("tracestate") ?? "",
        attempt: counted(context, "nano-attempt"),
      },
      {
        answered: (body) => resolve(method.output.decode(body, 0, body.length)),
        failed(reason) {
          reject(connectError(publicError(reason), entry));
        },
      },
    );
    context.signal.addEventListener("abort", () => breakOff(new NanoError({ code: "canceled", message: "the caller gave up" })), {
      once: true,
    });
  });
}

/** What is no number is none. */
function counted({ requestHeader }: HandlerContext, name: string): number {
  const text = requestHeader.get(name) ?? "";
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}

function connectError(error: NanoError, entry: Entry): ConnectError {
  const desc = entry.method.errors?.[error.code]?.detail?.schema;
  const detail = desc && unpackDetail(error.detail, desc);
  const details = desc && detail ? [{ desc, value: create(desc, detail) }] : [];
  return new ConnectError(error.message, 1 + codes.indexOf(error.code), error.metadata, details);
}
