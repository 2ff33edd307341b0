import type { Message } from "@bufbuild/protobuf";
import type { CallContext } from "../context/index.ts";
import type { Method, Notify, Request } from "../contract/index.ts";
import type { Session } from "../session/index.ts";

/** A call on its way to a handler or a remote. */
export interface PipelineCall {
  readonly method: Method;
  readonly ctx: CallContext;
  /** Not set on remote calls. */
  readonly session: Session | undefined;
  readonly message: Message;
  /** Narrows to one method, and its message to its type. */
  is<I extends Message>(method: Request<I, Message> | Notify<I>): this is PipelineCall & { readonly message: I };
}

/** Goes on to the next step, and in the end to the handler. */
export type Next = (call: PipelineCall) => Promise<Message | undefined>;

/** Something done around calls: return `next(call)`, or answer, or throw. */
export type Step = (call: PipelineCall, next: Next) => Promise<Message | undefined>;

/** A step for the calls of one method; all others go by it. */
export function onlyFor<I extends Message>(
  method: Request<I, Message> | Notify<I>,
  step: (call: PipelineCall & { readonly message: I }, next: Next) => Promise<Message | undefined>,
): Step {
  return (call, next) => (call.is(method) ? step(call, next) : next(call));
}
