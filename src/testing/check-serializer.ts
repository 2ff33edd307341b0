import { create, type DescMessage, equals, type Message } from "@bufbuild/protobuf";
import { systemClock } from "../clock/index.ts";
import type { Serializer } from "../serializer/index.ts";

/** A serializer to look at. */
export interface SerializerCheck {
  readonly serializer: Serializer;
  /** What it has to carry, of the schemas that clients will use: at least one. */
  readonly messages: readonly (readonly [schema: DescMessage, message: Message])[];
  /** How long one body may take, in milliseconds, be it what it may. The default is 1,000. */
  readonly bodyMs?: number;
}

// Each message is read with so many of its bytes changed or cut away, one by one.
const mostDamages = 500;

/**
 * Checks that a serializer keeps what its interface promises, as a server relies on it: messages come back as they were, bytes are the caller's, nothing in a message
 * aliases the bytes it came from, no bytes are the empty message, and of any others there comes a message or an Error, in time. For tests of serializers of one's
 * own, in any test runner.
 *
 * @throws {Error} What is wrong, with the serializer's name.
 */
export function checkSerializer({ serializer, messages, bodyMs = 1_000 }: SerializerCheck): void {
  const wrong = (what: string, cause?: unknown): never => {
    throw new Error(`the serializer "${serializer.name}": ${what}`, { cause });
  };

  function encode(schema: DescMessage, message: Message): Uint8Array {
    try {
      const bytes: unknown = serializer.encode(schema, message);
      return bytes instanceof Uint8Array ? bytes : wrong(`encode gives no bytes of a ${schema.typeName}`);
    } catch (reason) {
      return wrong(`encode throws on a ${schema.typeName}`, reason);
    }
  }

  function decode(what: string, schema: DescMessage, bytes: Uint8Array): Message {
    try {
      return serializer.decode(schema, bytes);
    } catch (reason) {
      return wrong(`decode throws on ${what}`, reason);
    }
  }

  /** Bodies that strangers may send: they may be refused, in time, by an Error. */
  function decodeDamaged(schema: DescMessage, bytes: Uint8Array): void {
    const began = systemClock.now();
    try {
      const message: unknown = serializer.decode(schema, bytes);
      if (typeof message !== "object" || message === null)
        wrong(`decode gives no message of ${Buffer.from(bytes).toString("hex")}`);
    } catch (reason) {
      if (!(reason instanceof Error)) wrong(`decode throws what is no Error: ${String(reason)}`, reason);
      if ((reason as Error).message.startsWith("the serializer ")) throw reason;
    }
    const took = systemClock.now() - began;
    if (took > bodyMs) wrong(`decode takes ${Math.round(took)} ms for ${bytes.length} bytes`);
  }

  if (serializer.name === "") wrong("it has no name");
  if (messages.length === 0) wrong("there is no message to look at it with");
  for (const [schema, message] of messages) {
    const name = schema.typeName;
    const bytes = encode(schema, message);
    const kept = Uint8Array.from(bytes);
    for (const [other, its] of messages) encode(other, its);
    if (!Buffer.from(bytes).equals(kept)) wrong(`the bytes of a ${name} change when others are written: they are the caller's`);
    // A Buffer is what comes from a socket; its bytes are only true during the call.
    const passing = Buffer.from(kept);
    const read = decode(`what encode gave of a ${name}`, schema, passing);
    passing.fill(0xff);
    if (!equals(schema, read, message)) wrong(`a ${name} does not come back as it was, or is still the bytes it came from`);
    const nothing = decode(`no bytes at all: they are an empty ${name}`, schema, new Uint8Array(0));
    if (!equals(schema, nothing, create(schema))) wrong(`no bytes at all are no empty ${name}`);
    const step = Math.max(1, Math.ceil(kept.length / mostDamages));
    for (let at = 0; at < kept.length; at += step) {
      decodeDamaged(schema, kept.slice(0, at));
      for (const value of [0x00, 0x7f, 0xff]) decodeDamaged(schema, kept.with(at, value));
    }
    for (const value of [0x00, 0x5b, 0x7b, 0x91, 0xc1, 0xff]) decodeDamaged(schema, new Uint8Array(30_000).fill(value));
  }
}
