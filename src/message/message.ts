/** What a message is: bits 1 to 3 of its first byte. */
export const MessageKind = { request: 0, notify: 1, response: 2, push: 3 } as const;

/** What a message is. */
export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Everything of a message but its body. */
export interface MessageHeader {
  readonly kind: MessageKind;
  /** Of requests and responses; 0 for the others. */
  readonly id: number;
  /** Of requests, notifies and pushes; undefined where a code stands instead. */
  readonly route: string | undefined;
  /** The route's code in the dictionary; -1 where the route is text. */
  readonly code: number;
  /** Whether the body is deflated (zlib). */
  readonly compressed: boolean;
  /** Whether a response's body is an error. */
  readonly error: boolean;
  /** A place in a trace, as `encodeTracePlace` gives it: between a client and a server that have agreed on it. */
  readonly trace?: Uint8Array | undefined;
}

/** Bytes that are no message, or a message that has no bytes. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

/** The bits of the first byte (pomelo's message protocol, and Pitaya's two). Bit 6 means something only where both have agreed on it, bit 7 nothing. */
export const flag = { code: 0x01, kind: 0x0e, compressed: 0x10, error: 0x20, traced: 0x40 } as const;
