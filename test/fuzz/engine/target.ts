import type { NanoError } from "../../../src/error/index.ts";

/** One decoder of bytes from the network, as the fuzzer drives it. */
export interface Target {
  /** The name of its folder in the corpus. */
  readonly name: string;
  /** The one class of error that the decoder may throw; undefined where it throws nothing. */
  readonly throws: (abstract new (...args: never) => Error) | undefined;
  /** How large its input may be in life, in bytes: what stands before a limit of the decoder itself counts too. */
  readonly maxBytes: number;
  /** Whether the first byte of an input is none of the decoder's: it chooses among ways to run it. */
  readonly chooses?: boolean;
  /** How much longer an input may take for each KiB of it, in milliseconds; the default is 1. */
  readonly maxMsPerKiB?: number;
  /** What its format is written in: mutations insert these. */
  readonly tokens: readonly (string | Uint8Array)[];
  /** Inputs to begin with, by name: encodings that are valid, those that are nearly, and every one that once broke something. */
  seeds(): Readonly<Record<string, Uint8Array>>;
  /** Decodes, and checks what came of it: throws Broken where that makes no sense. */
  run(bytes: Uint8Array): void;
}

/** A decoder that took what it should not, or says two things of the same bytes. Never what a decoder throws. */
export class Broken extends Error {
  override readonly name = "Broken";
}

/** Throws Broken unless it holds. */
export function holds(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Broken(what);
}

/** Throws on unless it is a NanoError of the code. */
export function mustSay(reason: unknown, code: NanoError["code"]): never {
  if (reason instanceof Error && "code" in reason && reason.code !== code) throw new Broken(`${reason.code}: ${reason.message}`);
  throw reason;
}

/** Bytes of a text, one after another. */
export function bytesOf(...parts: readonly (string | Uint8Array | number)[]): Uint8Array {
  return Uint8Array.from(
    Buffer.concat(parts.map((part) => (typeof part === "number" ? Uint8Array.of(part) : Buffer.from(part as string)))),
  );
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
