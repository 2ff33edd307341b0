import { fromBinary, type Message } from "@bufbuild/protobuf";
import { type ConnectRouter, createContextKey, type HandlerContext } from "@connectrpc/connect";
import { type SessionContext, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import { nextHop } from "../context/index.ts";
import { ByteWriter } from "../contract/index.ts";
import { type Code, isPublic, NanoError } from "../error/index.ts";
import type { Logger } from "../logger/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import { answerPlainly, byMethod, type Entry, plainDeadlineMs, plainError, servePlainly } from "../pipeline/index.ts";
import { takeCall } from "../plain/index.ts";
import type { SessionCore } from "../session/index.ts";
import type { Handlers } from "./handlers.ts";

/** Clients' messages that come as ordinary calls, with their session in a header. */
export interface PlainHandlers {
  /** Serves requests as unary methods, and notifies as streams of one message. */
  readonly serve: (router: ConnectRouter) => void;
  /** Reads the session of a call, before its body is read. Throws where there is none. */
  readonly gate: (context: HandlerContext) => Promise<void>;
}

/** What they are made of. */
export interface PlainHandlersOptions {
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counters: Pick<ClusterCounters, "callsRefused">;
  /** The session that a caller has named, if he has shown the right to it. Of what else he says of it nothing is believed. Rejects with a NanoError. */
  readonly sessionOf: (named: SessionContext, deadlineMs: number) => Promise<SessionCore>;
}

/** A call's session, and until when the call may take. */
interface Admitted {
  readonly session: SessionCore;
  readonly deadlineMs: number;
}

const headerName = "nano-session-bin";
const maxHeaderBytes = 4_096;
const sessionIdBytes = 16;
const admittedKey = createContextKey<Admitted | undefined>(undefined, { description: "the session that is called for" });
// Not of who asks, but of where he asks for.
const unfortunate: ReadonlySet<Code> = new Set<Code>(["unavailable", "deadline_exceeded"]);

/** Lets handlers be called plainly. */
export function createPlainHandlers(options: PlainHandlersOptions): PlainHandlers {
  const { handlers, clock, log, counters } = options;
  const entries = byMethod(handlers.routes.values());
  const writer = new ByteWriter(4_096);

  async function admit(entry: Entry, context: HandlerContext): Promise<Admitted> {
    const deadlineMs = plainDeadlineMs(entry, context, clock.now());
    const named = readHeader(context.requestHeader.get(headerName) ?? "");
    return { session: await options.sessionOf(named, deadlineMs), deadlineMs };
  }

  function answer(entry: Entry, message: Message, context: HandlerContext, { session, deadlineMs }: Admitted): Promise<Message> {
    const { route, maxBytes } = entry.method;
    return answerPlainly(entry, message, context, { deadlineMs, writer }, (body, info, outlet) => {
      if (maxBytes !== undefined && body.length > maxBytes) {
        outlet.failed(refusal("resource_exhausted", `${route} takes at most ${maxBytes} bytes`), "limit");
        return undefined;
      }
      let off = (): void => {};
      const call = handlers.dispatch(
        session,
        route,
        body,
        { ...info, arrivedMs: clock.now(), hops: nextHop(info.hops) },
        {
          answered(answered) {
            off();
            outlet.answered(answered);
          },
          failed(reason, stage) {
            off();
            if (!isPublic(reason)) log.error({ err: reason, route }, "a handler threw");
            outlet.failed(reason, stage);
          },
        },
      );
      if (call) off = session.listen({ closed: () => call.breakOff(refusal("canceled", "the session has ended")) });
      return call && ((reason) => call.breakOff(reason));
    });
  }

  function admitted({ values }: HandlerContext): Admitted {
    const admitted = values.get(admittedKey);
    // The gate has let it in.
    if (!admitted) throw refusal("internal", "a call without a session");
    return admitted;
  }

  return {
    serve: (router) =>
      servePlainly(router, entries.values(), (entry) => async (request, context) => {
        const how = admitted(context);
        try {
          if (entry.method.kind === "request") return await answer(entry, request, context, how);
          const message = await onlyOne(request);
          takeCall(context);
          return await answer(entry, message, context, how);
        } catch (reason) {
          throw reason instanceof NanoError ? plainError(reason, entry) : reason;
        }
      }),
    async gate(context) {
      const entry = entries.get(context.method);
      if (!entry) return;
      try {
        context.values.set(admittedKey, await admit(entry, context));
      } catch (reason) {
        takeCall(context);
        counters.callsRefused[unfortunate.has(NanoError.from(reason).code) ? "frontend" : "session"]++;
        throw plainError(reason, entry);
      }
    },
  };
}

/** Throws where it is no session's, before anything is made of more than 4 KiB. */
function readHeader(header: string): SessionContext {
  if (header === "") throw refusal("invalid_argument", `a client's message has its session in ${headerName}`);
  if (header.length > maxHeaderBytes) throw refusal("resource_exhausted", `${headerName} has at most ${maxHeaderBytes} bytes`);
  try {
    const named = fromBinary(SessionContextSchema, Buffer.from(header, "base64"));
    if (named.session.length === sessionIdBytes) return named;
  } catch {
    // As one of no session.
  }
  throw refusal("invalid_argument", `${headerName} is no nano.cluster.v1.SessionContext`);
}

async function onlyOne(messages: AsyncIterable<Message>): Promise<Message> {
  let only: Message | undefined;
  for await (const message of messages) {
    if (only) throw refusal("invalid_argument", "a notify is one message");
    only = message;
  }
  if (only) return only;
  throw refusal("invalid_argument", "a notify is one message: none came");
}

function refusal(code: Code, message: string): NanoError {
  return new NanoError({ code, message });
}
