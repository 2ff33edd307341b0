import { NanoError, type UndeclaredError } from "../error/index.ts";

/** What a call came to. */
export type Result<T, E extends NanoError = UndeclaredError> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** An answer to come. Awaiting it throws a NanoError; `result()` never throws. */
export interface Call<T, E extends NanoError = UndeclaredError> extends Promise<T> {
  /** The answer, or the failure with its type. */
  result(): Promise<Result<T, E>>;
}

/** What one call may say of itself. */
export interface CallOptions {
  /** Gives up, with `canceled`, and tells the server. */
  readonly signal?: AbortSignal;
  /** The default is the schema's, or else the client's or server's (5,000). */
  readonly timeoutMs?: number;
}

/** Makes a promise a call. */
export function asCall<T, E extends NanoError = UndeclaredError>(promise: Promise<T>): Call<T, E> {
  const call = promise as Promise<T> & { result: Call<T, E>["result"] };
  // One function for all: which codes are declared is only known to the schema, and the caller's type says so.
  call.result = result as Call<T, E>["result"];
  return call;
}

function result<T>(this: Promise<T>): Promise<Result<T, NanoError>> {
  return this.then(succeeded, failed);
}

function succeeded<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

function failed(reason: unknown): { readonly ok: false; readonly error: NanoError } {
  return { ok: false, error: NanoError.from(reason) };
}
