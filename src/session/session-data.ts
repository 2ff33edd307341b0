import { type DataPatch, joinFields, splitFields } from "./data-patch.ts";

const none: ReadonlyMap<number, Uint8Array> = new Map();

/** A session's data: messages by the names of their types, each as its top-level fields. Fields nobody here knows are kept. */
export class SessionData {
  // Most sessions have none.
  #messages: Map<string, Map<number, Uint8Array>> | undefined;

  /** The bytes of the message of a type; none where it was never set. */
  bytesOf(type: string): Uint8Array {
    return joinFields(this.#messages?.get(type) ?? none);
  }

  /** Every message, in bytes. */
  all(): Record<string, Uint8Array> {
    return Object.fromEntries([...(this.#messages ?? [])].map(([type, fields]) => [type, joinFields(fields)]));
  }

  /** How large all messages are together. */
  get length(): number {
    let length = 0;
    for (const fields of this.#messages?.values() ?? []) for (const piece of fields.values()) length += piece.length;
    return length;
  }

  /** Throws `invalid_argument` on malformed fields, and has changed nothing then. */
  apply(patch: DataPatch): void {
    const set = splitFields(patch.fields);
    const fields = this.#messages?.get(patch.type) ?? new Map<number, Uint8Array>();
    for (const number of patch.cleared) fields.delete(number);
    for (const [number, piece] of set) fields.set(number, piece);
    this.#messages ??= new Map();
    if (fields.size > 0) this.#messages.set(patch.type, fields);
    else this.#messages.delete(patch.type);
  }

  /** Whether the fields are as a patch would make them. */
  matches(expected: DataPatch): boolean {
    const fields = this.#messages?.get(expected.type) ?? none;
    for (const number of expected.cleared) if (fields.has(number)) return false;
    for (const [number, piece] of splitFields(expected.fields)) if (!sameBytes(fields.get(number), piece)) return false;
    return true;
  }

  copy(): SessionData {
    const copy = new SessionData();
    if (this.#messages) copy.#messages = new Map([...this.#messages].map(([type, fields]) => [type, new Map(fields)]));
    return copy;
  }

  static from(messages: Readonly<Record<string, Uint8Array>>): SessionData {
    const data = new SessionData();
    for (const [type, fields] of Object.entries(messages)) data.apply({ type, fields, cleared: [] });
    return data;
  }
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && one.length === other.length && one.every((byte, at) => byte === other[at]);
}
