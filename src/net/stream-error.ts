/** A peer broke the rules of the stream itself: `closed` gives it. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  /** The limit it went over, if that was it. */
  readonly limit: "messageBytes" | "fragments" | undefined;

  constructor(message: string, options: { readonly limit: StreamError["limit"]; readonly cause: unknown }) {
    super(message, { cause: options.cause });
    this.limit = options.limit;
  }
}
