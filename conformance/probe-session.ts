import { randomBytes } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Code } from "@connectrpc/connect";
import { ChatSessionSchema } from "../examples/chat/gen/chat/v1/chat_pb.ts";
import { type FieldPatch, SessionContextSchema, type SessionKey } from "../gen/nano/cluster/v1/link_pb.ts";

/** What a session was told. */
export interface Told {
  readonly route: string;
  readonly body: Uint8Array;
}

/** Who holds a session. */
export interface Holder {
  readonly id: string;
  readonly incarnation: bigint;
}

/** What the probe's sessions can be asked by their key. */
export type Ask = "Push" | "Bind" | "Patch" | "Kick" | "AddToGroup" | "RemoveFromGroup";

/** A session of a client that is not there, as the probe keeps it. */
export class ProbeSession {
  readonly id = new Uint8Array(randomBytes(16));
  /** In the order in which they came. */
  readonly told: Told[] = [];
  /** What was asked for it by its key, in the order in which it came. */
  readonly asked: Ask[] = [];
  user: string;
  /** The room of its data. */
  room: string;
  /** How this is refused. */
  refuse: { readonly ask: Ask; readonly code: Code } | undefined;
  /** This is not answered before. */
  hold: { readonly ask: Ask; readonly until: Promise<void> } | undefined;
  readonly #capability = new Uint8Array(randomBytes(32));
  readonly #holder: Holder;

  constructor(holder: Holder, user: string, room: string) {
    this.#holder = holder;
    this.user = user;
    this.room = room;
  }

  /** Whether these give the right to it. */
  fits(key: SessionKey | undefined): boolean {
    return key !== undefined && !Buffer.compare(key.session, this.id) && !Buffer.compare(key.capability, this.#capability);
  }

  patched({ type, fields, cleared }: FieldPatch): void {
    if (type !== ChatSessionSchema.typeName) return;
    if (cleared.includes(ChatSessionSchema.field.room.number)) this.room = "";
    this.room = fromBinary(ChatSessionSchema, fields).room || this.room;
  }

  /** What its calls carry, as it is now. */
  get header(): Readonly<Record<string, string>> {
    const data = toBinary(ChatSessionSchema, create(ChatSessionSchema, { room: this.room }));
    const context = create(SessionContextSchema, {
      session: this.id,
      frontend: this.#holder.id,
      incarnation: this.#holder.incarnation,
      capability: this.#capability,
      user: this.user,
      data: data.length > 0 ? { [ChatSessionSchema.typeName]: data } : {},
      client: { platform: "conformance", version: "1", remoteAddress: "127.0.0.1" },
    });
    return { "nano-session-bin": Buffer.from(toBinary(SessionContextSchema, context)).toString("base64").replace(/=+$/, "") };
  }
}
