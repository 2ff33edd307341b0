import type { NanoError } from "../error/index.ts";

/** Traces what a client asks and tells: `openTelemetry()` of "nano-rpc/client/tracing", or one's own. */
export interface ClientTracing {
  /** A request or notify begins. Called in the code that makes it. @param method As "chat.v1.RoomService/Join". @returns Undefined: nobody would see it. */
  begin(method: string): ClientSpan | undefined;
}

/** One request or notify in a trace. */
export interface ClientSpan {
  /** Its place, by W3C Trace Context: the server hears of it where it traces. */
  readonly traceparent: string;
  /** A request was answered, or has failed; a notify is on its way. */
  end(failure?: NanoError): void;
}
