import { create } from "@bufbuild/protobuf";
import {
  BindSchema,
  FieldPatchSchema,
  GroupChangeSchema,
  KickSchema,
  PushSchema,
  type SessionTarget,
  SessionTargetSchema,
  WriteSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Kick, NanoError } from "../error/index.ts";
import { ask, type Link, type Outcome } from "../link/index.ts";
import type { DataPatch, FormerSession, OutgoingPush, SessionHome } from "../session/index.ts";

/** What a home asks of whoever knows its link, which may be replaced. */
export interface HomeLink {
  readonly link: Link | undefined;
  /** The session's handle on that link. */
  readonly handle: number;
  /** Whether it is not known which link is the right one. */
  readonly held: boolean;
  /** Has something said when that is known. False where it is known, or too much waits. */
  later(say: () => void): boolean;
}

/** What a home is made of. */
export interface LinkHomeOptions {
  readonly now: () => number;
  /** How long the frontend may take. The default is 5,000; a bind may wait 5 s more for the former session. */
  readonly timeoutMs?: number;
  /** A push that will not arrive. */
  readonly lost: (error: NanoError) => void;
}

/** A session's truth behind a link: on the frontend that holds the client. */
export class LinkHome implements SessionHome {
  readonly #at: HomeLink;
  readonly #options: LinkHomeOptions;

  constructor(at: HomeLink, options: LinkHomeOptions) {
    this.#at = at;
    this.#options = options;
  }

  async bind(user: string, roles: readonly string[]): Promise<FormerSession> {
    const outcome = await this.#asked(2, (link, call) =>
      link.send({ case: "bind", value: create(BindSchema, { call, session: this.#target(), user, roles: [...roles] }) }),
    );
    const former = outcome.case === "bound" ? outcome.value.former : "";
    return former === "ended" || former === "timed_out" ? former : "none";
  }

  async write(patch: DataPatch, expected: DataPatch | undefined): Promise<boolean> {
    const outcome = await this.#asked(1, (link, call) =>
      link.send({
        case: "write",
        value: create(WriteSchema, {
          call,
          session: this.#target(),
          patch: fieldPatch(patch),
          ...(expected ? { expected: fieldPatch(expected) } : {}),
        }),
      }),
    );
    return outcome.case === "written" && outcome.value;
  }

  push(push: OutgoingPush): void {
    if (this.#at.later(() => this.push(push))) return;
    try {
      this.#link().sendData({ case: "push", value: this.#push(push, 0n) });
    } catch (reason) {
      this.#options.lost(NanoError.from(reason));
    }
  }

  async deliver(push: OutgoingPush): Promise<boolean> {
    const outcome = await this.#asked(1, (link, call) => link.sendData({ case: "push", value: this.#push(push, call) }));
    return outcome.case === "missed" && outcome.value.sessions.length === 0 && outcome.value.users.length === 0;
  }

  kick(kick: Kick): void {
    if (this.#at.later(() => this.kick(kick))) return;
    const { link } = this.#at;
    link?.send({ case: "kick", value: create(KickSchema, { session: this.#target(), code: kick.code, reason: kick.reason }) });
  }

  async changeGroup(...[{ type, name }, change]: Parameters<SessionHome["changeGroup"]>): Promise<readonly string[]> {
    const how = { remove: change === "remove", everywhere: change === "everywhere" };
    const outcome = await this.#asked(1, (link, call) =>
      link.send({
        case: "groupChange",
        value: create(GroupChangeSchema, { call, session: this.#target(), group: { type, name }, ...how }),
      }),
    );
    return outcome.case === "missed" ? outcome.value.servers : [];
  }

  /** Asks within the call itself, or in its place among what waits until it is known which link is the right one: what is said next comes behind it. */
  #asked(deadlines: number, send: (link: Link, call: bigint) => void): Promise<Outcome> {
    const go = (): Promise<Outcome> => {
      const link = this.#link();
      return ask(link, this.#deadline(deadlines), (call) => send(link, call));
    };
    if (!this.#at.held) return go();
    return new Promise((resolve, reject) => {
      const late = (): void => {
        try {
          resolve(go());
        } catch (reason) {
          reject(reason);
        }
      };
      if (this.#at.later(late)) return;
      reject(new NanoError({ code: "resource_exhausted", message: "too much waits for a session that moves" }));
    });
  }

  #link(): Link {
    const { link } = this.#at;
    if (link && !link.closed) return link;
    throw new NanoError({ code: "unavailable", message: "the frontend of the session is out of reach" });
  }

  #deadline(times: number): number {
    return this.#options.now() + (this.#options.timeoutMs ?? 5_000) * times;
  }

  #target(): SessionTarget {
    return create(SessionTargetSchema, { by: { case: "handle", value: this.#at.handle } });
  }

  #push(push: OutgoingPush, call: bigint) {
    return create(PushSchema, { ...push, target: { case: "handle", value: this.#at.handle }, call });
  }
}

function fieldPatch(patch: DataPatch) {
  return create(FieldPatchSchema, { type: patch.type, fields: patch.fields, cleared: [...patch.cleared] });
}
