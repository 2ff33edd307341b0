import type { DescMessage, Message } from "@bufbuild/protobuf";
import { ByteWriter, encodeMessage, type Init, type Push } from "../contract/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";
import type { TraceCarrier } from "../tracing/index.ts";
import { encodePatch, patchedNames } from "./data-patch.ts";
import type { BoundSession, FormerSession, Off, Patch, Reach, Session, View } from "./session.ts";
import type { SessionCore } from "./session-core.ts";
import type { OutgoingPush } from "./session-home.ts";
import { mustBeUser } from "./user-name.ts";

/** Throws where the call that asks is over. Hears the route of what is about to be pushed, and says where that stands in a trace. */
export type MustLive = (pushed?: string) => TraceCarrier | undefined;

/** A push with its message encoded. @param from Where it stands in a trace. The default is in none that anybody samples. */
export function encodePush<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>, from?: TraceCarrier): OutgoingPush {
  const encoded: OutgoingPush = {
    route: push.route,
    body: encodeMessage(push.output, message, new ByteWriter(256)),
    delivery: push.delivery ?? "replay",
  };
  return from ? { ...encoded, traceparent: from.traceparent, tracestate: from.tracestate } : encoded;
}

/** A session as the code of users sees it: its data is the message of one schema. */
export class SessionView<D extends Message> implements Session<D> {
  readonly #core: SessionCore;
  readonly #schema: DescMessage;
  readonly #gone: MustLive | undefined;

  /** @param gone Of the view's call; called before whatever changes something. */
  constructor(core: SessionCore, schema: DescMessage, gone?: MustLive) {
    this.#core = core;
    this.#schema = schema;
    this.#gone = gone;
  }

  /** What is behind a session that user code hands back. Throws a TypeError on any other object. */
  static coreOf(session: Session): SessionCore {
    if (session instanceof SessionView) return session.#core;
    throw new TypeError("not a session of this server");
  }

  get id(): string {
    return this.#core.id;
  }
  get user(): string | undefined {
    return this.#core.user;
  }
  get roles(): readonly string[] {
    return this.#core.roles;
  }
  get frontend(): string {
    return this.#core.frontend;
  }
  get state(): Session["state"] {
    return this.#core.state;
  }
  get data(): View<D> {
    // The schema is D's: whoever makes a view takes both from the same service.
    return this.#core.data(this.#schema) as Message as View<D>;
  }
  get values(): Session["values"] {
    return this.#core.values;
  }
  get client(): Session["client"] {
    return this.#core.client;
  }

  async bind(
    user: string,
    options?: { readonly roles?: readonly string[] },
  ): Promise<{ readonly session: BoundSession<D>; readonly former: FormerSession }> {
    this.#gone?.();
    mustBeUser(user);
    const former = await this.#core.bind(user, options?.roles ?? []);
    // `user` is set by now, which is all that a bound session adds.
    return { session: this as Session<D> as BoundSession<D>, former };
  }

  async unbind(): Promise<void> {
    this.#gone?.();
    if (this.#core.user !== undefined) await this.#core.bind("", []);
  }

  async patch(fields: Patch<D>): Promise<void> {
    this.#gone?.();
    await this.#core.write(encodePatch(this.#schema, fields), undefined);
  }

  async patchIf(expected: Patch<D>, fields: Patch<D>): Promise<boolean> {
    this.#gone?.();
    return this.#core.write(encodePatch(this.#schema, fields), encodePatch(this.#schema, expected));
  }

  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): void {
    const from = this.#gone?.(push.route);
    this.#core.push(encodePush(push, message, from));
  }

  async deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach> {
    const from = this.#gone?.(push.route);
    const reached = await this.#core.deliver(encodePush(push, message, from));
    return { missed: reached ? [] : [this.#core.user ?? this.#core.id] };
  }

  kick(kick: Kick): void {
    this.#core.kick(kick);
  }

  onBind(listener: (user: string) => void): Off {
    return this.#core.listen({ bound: listener });
  }
  onPatch(listener: (fields: readonly string[]) => void): Off {
    return this.#core.listen({
      patched: (patch) => {
        if (patch.type === this.#schema.typeName) listener(patchedNames(this.#schema, patch));
      },
    });
  }
  onPause(listener: () => void): Off {
    return this.#core.listen({ paused: listener });
  }
  onResume(listener: () => void): Off {
    return this.#core.listen({ resumed: listener });
  }
  onClose(listener: (reason: CloseReason) => void | Promise<void>): Off {
    return this.#core.listen({ closed: listener });
  }
}
