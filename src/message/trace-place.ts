import { MessageError } from "./message.ts";

/** How many bytes it takes: the trace, the span, the flags, of W3C Trace Context. */
const tracePlaceBytes = 25;

/** A place in a trace as 25 bytes; undefined where the text names none. */
export function encodeTracePlace(traceparent: string): Uint8Array | undefined {
  const [, hex] = /^00-([0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})$/.exec(traceparent) ?? [];
  if (hex === undefined) return undefined;
  const digits = hex.replaceAll("-", "");
  return Uint8Array.from({ length: tracePlaceBytes }, (_, at) => Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16));
}

/** Reads the place that stands before a body, and where the body begins. Throws MessageError where it is cut short. */
export function decodeTracePlace(
  buffer: Uint8Array,
  from: number,
  to: number,
): { readonly traceparent: string; readonly bodyFrom: number } {
  const bodyFrom = from + tracePlaceBytes;
  if (bodyFrom > to) throw new MessageError("the place in a trace is cut short");
  let hex = "";
  for (let at = from; at < bodyFrom; at++) hex += (buffer[at] ?? 0).toString(16).padStart(2, "0");
  return { traceparent: `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-${hex.slice(48)}`, bodyFrom };
}
