import { create, type Message } from "@bufbuild/protobuf";
import { ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { CallInfo } from "../context/index.ts";
import { type ByteWriter, defaultTimeoutMs, encodeMessage } from "../contract/index.ts";
import { codes, NanoError, publicError, unpackDetail } from "../error/index.ts";
import type { Entry } from "./entry.ts";
import type { Outlet } from "./run.ts";

/** Begins a call, and gives what breaks it off; undefined where it is over already. */
export type BeginPlainCall = (body: Uint8Array, info: CallInfo, outlet: Outlet) => ((reason: NanoError) => void) | undefined;

/** Until when a plain call may take, in milliseconds on the clock of `nowMs`: as its caller says, or the schema. */
export function plainDeadlineMs({ method }: Entry, context: HandlerContext, nowMs: number): number {
  return nowMs + (context.timeoutMs() ?? method.timeoutMs ?? defaultTimeoutMs);
}

/** Answers a message that came as an ordinary call of Connect or gRPC. Rejects with what its caller is told. */
export function answerPlainly(
  entry: Entry,
  message: Message,
  context: HandlerContext,
  { deadlineMs, writer }: { readonly deadlineMs: number; readonly writer: ByteWriter },
  begin: BeginPlainCall,
): Promise<Message> {
  const { method } = entry;
  const info: CallInfo = {
    deadlineMs,
    hops: counted(context, "nano-hops"),
    traceparent: context.requestHeader.get("traceparent") ?? "",
    tracestate: context.requestHeader.get("tracestate") ?? "",
    attempt: counted(context, "nano-attempt"),
  };
  return new Promise((resolve, reject) => {
    const breakOff = begin(encodeMessage(method.input, message, writer), info, {
      answered: (body) =>
        resolve(method.kind === "request" ? method.output.decode(body, 0, body.length) : create(method.method.output)),
      failed: (reason) => reject(plainError(reason, entry)),
    });
    const gaveUp = (): void => breakOff?.(new NanoError({ code: "canceled", message: "the caller gave up" }));
    context.signal.addEventListener("abort", gaveUp, { once: true });
  });
}

/** A failure as plain callers are told of it. */
export function plainError(reason: unknown, { method }: Entry): ConnectError {
  const error = publicError(reason);
  const desc = method.errors?.[error.code]?.detail?.schema;
  const detail = desc && unpackDetail(error.detail, desc);
  const details = desc && detail ? [{ desc, value: create(desc, detail) }] : [];
  return new ConnectError(error.message, 1 + codes.indexOf(error.code), error.metadata, details);
}

/** What is no number is none. */
function counted({ requestHeader }: HandlerContext, name: string): number {
  const text = requestHeader.get(name) ?? "";
  return /^\d{1,4}$/.test(text) ? Number(text) : 0;
}
