/** What one look came to. */
export interface Finding {
  /** What was looked at: "etcd 127.0.0.1:2379". */
  readonly what: string;
  readonly state: "well" | "warning" | "wrong";
  /** What was seen. */
  readonly seen: string;
  /** What to do about it. Absent where all is well. */
  readonly remedy?: string;
}
