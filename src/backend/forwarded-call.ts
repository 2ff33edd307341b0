import type { Forward } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { NanoError } from "../error/index.ts";
import type { Breakable } from "../handler/index.ts";
import { type Link, pushesOf } from "../link/index.ts";
import type { Outlet } from "../pipeline/index.ts";
import type { BackendSession } from "./backend-session.ts";

/** Calls that are under way, by the numbers that their frontend gave them. */
export type ForwardedCalls = Map<bigint, ForwardedCall>;

/** What a call tells the backend. */
export interface ForwardHost {
  answered(call: ForwardedCall): void;
  failed(link: Link, frame: Forward, reason: unknown): void;
}

/** A client's message that came over a link, until it is answered there. One object for all of its way: they are many. */
export class ForwardedCall implements Outlet {
  readonly link: Link;
  readonly frame: Forward;
  readonly session: BackendSession;
  readonly #host: ForwardHost;
  readonly #onLink: ForwardedCalls;
  #handled: Breakable | undefined;

  constructor(link: Link, frame: Forward, session: BackendSession, onLink: ForwardedCalls, host: ForwardHost) {
    this.link = link;
    this.frame = frame;
    this.session = session;
    this.#onLink = onLink;
    this.#host = host;
  }

  /** It was not answered at once: its frontend may give it up, or its session end. */
  goesOn(handled: Breakable): void {
    const { call } = this.frame;
    this.#handled = handled;
    this.session.calls.set(call, this);
    this.#onLink.set(call, this);
  }

  breakOff(reason: NanoError): void {
    this.#handled?.breakOff(reason);
  }

  answered(body: Uint8Array): void {
    this.#over();
    this.#host.answered(this);
    // What was pushed before the answer is heard before it.
    this.link.answer(this.frame.call, { case: "body", value: body }, pushesOf(this.frame.handle));
  }

  failed(reason: unknown): void {
    this.#over();
    this.#host.failed(this.link, this.frame, reason);
  }

  #over(): void {
    if (!this.#handled) return;
    this.session.calls.delete(this.frame.call);
    this.#onLink.delete(this.frame.call);
  }
}
