import { create, toBinary } from "@bufbuild/protobuf";
import { type Open, type Patch, type SessionContext, SessionContextSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { SessionData } from "../session/index.ts";

/** Something that has its turn. */
export interface Turn {
  /** False: it is over already, and the next has its turn. */
  begin(done: () => void): boolean;
}

/** A session as a server that is called plainly is told of it: whole, with every call. */
export class PlainSession {
  readonly #context: SessionContext;
  readonly #data: SessionData;
  // Made when it is needed, and good until something changes.
  #header: string | undefined;
  readonly #waiting: Turn[] = [];
  #busy = false;
  /** Whether its server is going to be told who the user is now. */
  tellsUser = false;

  constructor({ context }: Open) {
    this.#context = context ?? create(SessionContextSchema);
    this.#data = SessionData.from(this.#context.data);
  }

  /** What the server knows it by. */
  get id(): Uint8Array {
    return this.#context.session;
  }

  get user(): string {
    return this.#context.user;
  }
  get roles(): readonly string[] {
    return this.#context.roles;
  }

  /** What stands in the header `nano-session-bin`. */
  get header(): string {
    this.#header ??= Buffer.from(toBinary(SessionContextSchema, { ...this.#context, data: this.#data.all() })).toString("base64");
    return this.#header;
  }

  patch({ data, user }: Patch): void {
    if (data) this.#data.apply(data);
    if (user) {
      this.#context.user = user.user;
      this.#context.roles = [...user.roles];
    }
    this.#header = undefined;
  }

  /** One after the other: such a server keeps no order of its own. */
  take(turn: Turn): void {
    this.#waiting.push(turn);
    if (!this.#busy) this.#next();
  }

  /** The same, before those that wait. */
  takeNext(turn: Turn): void {
    this.#waiting.unshift(turn);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    this.#busy = false;
    while (!this.#busy) {
      const turn = this.#waiting.shift();
      if (!turn) return;
      this.#busy = turn.begin(() => this.#next());
    }
  }
}
