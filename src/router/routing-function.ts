import { type DescMessage, fromBinary, type Message, type MessageShape } from "@bufbuild/protobuf";
import type { Notify, Request } from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import type { RouteInfo } from "../route/index.ts";
import type { ClientInfo, SessionCore } from "../session/index.ts";
import { readKey } from "./key.ts";

/** The session whose call is routed. */
export interface RoutedSession {
  readonly id: string;
  readonly user: string | undefined;
  readonly roles: readonly string[];
  readonly client: ClientInfo;
  /** The session's data, as the message of a schema. Not to be changed. */
  data<S extends DescMessage>(schema: S): MessageShape<S>;
}

/** A call whose server a routing function chooses. */
export interface RoutedCall {
  /** As "room.room.join". */
  readonly route: string;
  /** The value of the field that the schema routes by, as text: integers in decimal, enums by number, bytes in hex. Undefined where it names none. */
  readonly key: string | undefined;
  /** Not set on remote calls. */
  readonly session: RoutedSession | undefined;
  /** The request, decoded when it is first asked for. Throws NanoError `invalid_argument` where it is malformed. */
  readonly message: Message;
  /** Narrows to one method, and its message to its type. */
  is<I extends Message>(method: Request<I, Message> | Notify<I>): this is RoutedCall & { readonly message: I };
}

/**
 * Says which server of a type answers a call; undefined leaves it to the schema. It is given those that are ready, by id. What it throws is
 * the answer; whatever is no NanoError is logged, and told as `internal`. A promise has until the call's deadline, and the session's later
 * messages wait for it.
 */
export type RoutingFunction = (
  call: RoutedCall,
  servers: readonly ServerInfo[],
) => ServerInfo | undefined | Promise<ServerInfo | undefined>;

/** One call, for an application's function to look at. */
export class CallToRoute implements RoutedCall {
  readonly #info: RouteInfo;
  readonly #body: Uint8Array;
  readonly #core: SessionCore | undefined;
  #message: Message | undefined;

  constructor(info: RouteInfo, body: Uint8Array, core: SessionCore | undefined) {
    this.#info = info;
    this.#body = body;
    this.#core = core;
  }

  get route(): string {
    return this.#info.route;
  }
  get key(): string | undefined {
    const { policy, input } = this.#info;
    return typeof policy.by === "object" ? readKey(input, policy.by.key, this.#body) : undefined;
  }
  get session(): RoutedSession | undefined {
    const core = this.#core;
    if (!core) return undefined;
    const { id, user, roles, client } = core;
    // A session holds one message of a type.
    return { id, user, roles, client, data: <S extends DescMessage>(schema: S) => core.data(schema) as MessageShape<S> };
  }
  get message(): Message {
    try {
      this.#message ??= fromBinary(this.#info.input, this.#body);
    } catch (reason) {
      throw new NanoError({ code: "invalid_argument", message: "the message is malformed", cause: reason });
    }
    return this.#message;
  }

  is<I extends Message>(method: Request<I, Message> | Notify<I>): this is RoutedCall & { readonly message: I } {
    return method.route === this.#info.route;
  }
}
