import type { Due } from "../clock/index.ts";
import type { ByteWriter } from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { Breakable } from "../handler/index.ts";
import type { Stage } from "../metrics/index.ts";
import type { Outlet } from "../pipeline/index.ts";
import type { KnownRoute } from "../router/index.ts";
import type { CallSpan } from "../tracing/index.ts";
import type { ClientMessage } from "./client-message.ts";

/** What hears how a message fared. */
export interface IncomingOwner {
  /** It has waited too long for its turn. */
  expired(incoming: Incoming): void;
  /** @param body In protobuf. */
  answered(incoming: Incoming, body: Uint8Array): void;
  /** The same, where the answer is all that lies in a writer: true during the call. */
  laid(incoming: Incoming, answer: ByteWriter): void;
  failed(incoming: Incoming, reason: unknown, stage: Stage): void;
}

/** A message of a client on its way. One object for all of its way: messages are many. */
export class Incoming implements Due, Outlet {
  readonly message: ClientMessage;
  readonly known: KnownRoute;
  readonly deadlineMs: number;
  /** Where it was sent. */
  server: ServerInfo | undefined;
  /** Counts its tries, from 0. */
  attempt = 0;
  /** What a routing function that took its time has chosen for this try. */
  chosen: ServerInfo | undefined;
  /** Where it stands among the messages of its session that may change something. */
  writes = 0;
  /** Whether its key is owned, and the server that it was sent to may not be its home. */
  unsure = false;
  /** While it is under way: its call, and where it stands among its session's others. */
  call: Breakable | undefined;
  running = 0;
  // The sweep's. Here from the start, so that all of them are of one shape.
  place: number | undefined = undefined;
  /** Undefined: nothing is traced. */
  span: CallSpan | undefined;
  readonly #owner: IncomingOwner;
  // Where it came in another encoding.
  readonly #body: Uint8Array | undefined;

  /** @param body In protobuf, where it came otherwise. */
  constructor(message: ClientMessage, known: KnownRoute, body: Uint8Array | undefined, deadlineMs: number, owner: IncomingOwner) {
    this.message = message;
    this.known = known;
    this.#body = body;
    this.deadlineMs = deadlineMs;
    this.#owner = owner;
  }

  /** Its body in protobuf, a copy of its own. */
  get body(): Uint8Array {
    return this.#body ?? this.message.body;
  }

  /** Where its body stands as it came, in protobuf; undefined where it came otherwise. */
  get asRead(): ClientMessage | undefined {
    return this.#body ? undefined : this.message;
  }

  /** Whether later messages of the session wait for it. */
  get serial(): boolean {
    return this.known.info.policy.order === "serial";
  }

  expire(): void {
    this.#owner.expired(this);
  }

  answered(body: Uint8Array): void {
    this.#owner.answered(this, body);
  }

  laid(answer: ByteWriter): void {
    this.#owner.laid(this, answer);
  }

  failed(reason: unknown, stage: Stage): void {
    this.#owner.failed(this, reason, stage);
  }
}

/** Why a message cannot be for its route, if so. */
export function shapeRefusal(message: ClientMessage, known: KnownRoute | undefined): NanoError | undefined {
  if (message.route === "") return new NanoError({ code: "invalid_argument", message: "the route is empty" });
  // Remotes do not exist for clients.
  if (!known || known.info.kind === "remote") {
    return new NanoError({ code: "not_found", message: `no server answers the route "${message.route}"` });
  }
  if (known.info.kind === "push") {
    return new NanoError({ code: "unimplemented", message: `${message.route} is a push: clients listen to it` });
  }
  if (known.info.kind === "notify" && message.kind === "request") {
    return new NanoError({ code: "invalid_argument", message: `${message.route} is a notify: it is told, not asked` });
  }
  return undefined;
}
