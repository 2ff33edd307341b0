import type { Message } from "@bufbuild/protobuf";
import type { ServerCall } from "../context/index.ts";
import { type ByteWriter, type Check, packDeclared } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { Stage } from "../metrics/index.ts";
import type { Entry } from "./entry.ts";
import type { Next, PipelineCall } from "./step.ts";

/** Where a call's outcome goes. Exactly one of the two is called, once. */
export interface Outlet {
  /** The answer in protobuf; empty for a notify. The bytes are the caller's to keep. */
  answered(body: Uint8Array): void;
  /** The same, where the answer is all that lies in a writer: true during the call. The default is `answered` with a copy. */
  laid?(answer: ByteWriter): void;
  failed(reason: unknown, stage: Stage): void;
}

const nothing = new Uint8Array(0);

/**
 * From the bytes of a message to the bytes of its answer: decodes, checks, goes through the steps, calls the handler, encodes. Without a promise where the handler needs none.
 *
 * @param from Where the message begins in the bytes, which are only looked at during the call. @param to Where it ends.
 * @param writer Where answers are laid; it is the caller's, and may serve all calls.
 */
export function run(
  entry: Entry,
  call: ServerCall,
  bytes: Uint8Array,
  from: number,
  to: number,
  writer: ByteWriter,
  outlet: Outlet,
): void {
  const { span } = call;
  if (span) span.run(() => answerTo(entry, call, bytes, from, to, writer, outlet));
  else answerTo(entry, call, bytes, from, to, writer, outlet);
}

function answerTo(
  entry: Entry,
  call: ServerCall,
  bytes: Uint8Array,
  from: number,
  to: number,
  writer: ByteWriter,
  outlet: Outlet,
): void {
  let message: Message;
  try {
    message = entry.method.input.decode(bytes, from, to);
  } catch (reason) {
    outlet.failed(new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason }), "validate");
    return;
  }
  const invalid = entry.check && violated(entry.check, message);
  if (invalid !== undefined) return outlet.failed(invalid, "validate");
  let result: unknown;
  try {
    result = entry.steps.length === 0 ? invoke(entry, call, message) : stepped(entry, call, message);
  } catch (reason) {
    outlet.failed(packDeclared(entry.method.errors, reason), "handler");
    return;
  }
  if (isPromiseLike(result)) {
    result.then(
      (value) => answer(entry, value, writer, outlet),
      (reason: unknown) => outlet.failed(packDeclared(entry.method.errors, reason), "handler"),
    );
  } else answer(entry, result, writer, outlet);
}

/** Why a message does not pass; also where that cannot be worked out. */
function violated(check: Check, message: Message): unknown {
  try {
    return check(message);
  } catch (reason) {
    return reason;
  }
}

function invoke(entry: Entry, call: ServerCall, message: Message): unknown {
  // The message was decoded by the very codec that the method names.
  return entry.invoke(message as never, call);
}

function answer(entry: Entry, value: unknown, writer: ByteWriter, outlet: Outlet): void {
  const { method } = entry;
  if (method.kind === "notify") return outlet.answered(nothing);
  try {
    if (typeof value !== "object" || value === null) throw new TypeError(`${method.route} answered with ${String(value)}`);
    writer.truncate(0);
    method.output.encode(value, writer);
  } catch (reason) {
    return outlet.failed(reason, "encode");
  }
  if (outlet.laid) outlet.laid(writer);
  else outlet.answered(writer.slice(0, writer.length));
}

async function stepped(entry: Entry, call: ServerCall, message: Message): Promise<unknown> {
  const { method, steps } = entry;
  function next(at: number): Next {
    return async (current) => {
      const step = steps[at];
      if (step) return step(current, next(at + 1));
      // A step may have waited for longer than anybody waits for the answer.
      call.mustLive();
      const value = await invoke(entry, call, current.message);
      if (method.kind === "notify" || typeof value !== "object" || value === null) return undefined;
      return method.output.create(value);
    };
  }
  const first: PipelineCall = {
    method,
    ctx: call,
    session: entry.sessionSchema ? call.session : undefined,
    message,
    is: (other): this is PipelineCall & { readonly message: never } => other.route === method.route,
  };
  return next(0)(first);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
