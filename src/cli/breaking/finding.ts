/** What a change does to clients that were shipped: nothing, harm to some, or it must not be. */
export type Bucket = "refused" | "mayBreak" | "safe";

/** One change. */
export interface Finding {
  readonly bucket: Bucket;
  /** Names the kind of change, for machines: "ACCESS_NARROWED". */
  readonly rule: string;
  /** Where it stands now, or where it stood if it is gone: "chat/v1/chat.proto:18:3". */
  readonly at: string;
  /** What is another, and what that means to clients that were shipped. */
  readonly message: string;
}

/** Takes one change. */
export type Note = (bucket: Bucket, rule: string, at: string, message: string) => void;
