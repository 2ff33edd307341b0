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
  return Object.assign(promise, {
    result: (): Promise<Result<T, E>> =>
      promise.then(
        (value) => ({ ok: true, value }) as const,
        // Which codes are declared is only known to the schema, and the caller's type says so.
        (reason: unknown) => ({ ok: false, error: NanoError.from(reason) as E }) as const,
      ),
  });
}
