import type { Message } from "@bufbuild/protobuf";
import { type Code, codes, isCode } from "./code.ts";

/** What a NanoError is made of. */
export interface NanoErrorOptions {
  readonly code: Code;
  /** Words for a developer; clients see them. */
  readonly message: string;
  /** The message that the schema declares for this code. */
  readonly detail?: Message | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly cause?: unknown;
  /** Whether the same call may succeed later. The default follows from the code. */
  readonly retryable?: boolean | undefined;
  /** Whether the method's schema names the code. Set by the client; the default is false. */
  readonly declared?: boolean | undefined;
}

const retryableCodes: ReadonlySet<Code> = new Set<Code>(["unavailable", "resource_exhausted", "aborted"]);

/** The one error: what handlers throw, and what callers get. */
export class NanoError extends Error {
  override readonly name = "NanoError";
  readonly code: Code;
  /** The message that the schema declares for this code, if it came. */
  readonly detail: Message | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Whether the method's schema names this code. */
  readonly declared: boolean;

  constructor(options: NanoErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.detail = options.detail;
    this.metadata = options.metadata ?? {};
    this.retryable = options.retryable ?? retryableCodes.has(options.code);
    this.declared = options.declared ?? false;
  }

  /** Folds anything caught into a NanoError: itself, an abort, a Connect error, or `internal` with the cause kept. */
  static from(reason: unknown): NanoError {
    if (reason instanceof NanoError) return reason;
    return new NanoError({ code: codeOf(reason), message: wordsOf(reason), cause: reason });
  }
}

function codeOf(reason: unknown): Code {
  if (!(reason instanceof Error)) return "internal";
  if (reason.name === "AbortError") return "canceled";
  if (reason.name === "TimeoutError") return "deadline_exceeded";
  const code = "code" in reason ? reason.code : undefined;
  // Two copies of this package may be loaded; theirs has another class.
  if (reason.name === "NanoError" && typeof code === "string" && isCode(code)) return code;
  // Connect counts the same codes from 1.
  if (reason.name === "ConnectError" && typeof code === "number") return codes[code - 1] ?? "internal";
  return "internal";
}

function wordsOf(reason: unknown): string {
  if (reason instanceof Error) {
    // Connect puts the code before the words.
    return "rawMessage" in reason && typeof reason.rawMessage === "string" ? reason.rawMessage : reason.message;
  }
  try {
    return String(reason);
  } catch {
    return "what was thrown has no text";
  }
}

/** An error that the method's schema names. Switch over `code`. */
export interface DeclaredError<C extends Code, D extends Message | undefined = undefined> extends NanoError {
  readonly declared: true;
  readonly code: C;
  readonly detail: D;
}

/** Any other failure: network, deadline, limits, bugs. */
export interface UndeclaredError extends NanoError {
  readonly declared: false;
}
