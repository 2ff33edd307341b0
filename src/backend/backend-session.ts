import type { Open } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { CloseReason, NanoError } from "../error/index.ts";
import type { Link } from "../link/index.ts";
import { SessionCore, SessionData } from "../session/index.ts";
import type { ForwardedCalls } from "./forwarded-call.ts";
import { type HomeLink, LinkHome, type LinkHomeOptions } from "./link-home.ts";

// As what waits for a link.
const mostHeld = 1_024;

/** A client's session on a server that does not hold its client. */
export class BackendSession implements HomeLink {
  readonly core: SessionCore;
  link: Link | undefined;
  handle: number;
  /** The right to it, as its frontend gave it. */
  capability: Uint8Array;
  /** Since when its frontend is out of sight, and has not opened it again. */
  awaySinceMs: number | undefined;
  /** What is to be said for it, while it is on its way to another frontend. */
  #held: (() => void)[] | undefined;
  /** What the frontend waits for, by the numbers of its calls on this link. */
  readonly calls: ForwardedCalls = new Map();

  constructor(link: Link, open: Open, home: LinkHomeOptions, failed: (reason: unknown) => void) {
    const { context } = open;
    this.link = link;
    this.handle = open.handle;
    this.capability = Uint8Array.from(context?.capability ?? []);
    this.core = new SessionCore({
      id: sessionId(open),
      frontend: context?.frontend ?? "",
      incarnation: context?.incarnation ?? 0n,
      client: {
        platform: context?.client?.platform ?? "",
        version: context?.client?.version ?? "",
        fingerprint: context?.client?.fingerprint || undefined,
        remoteAddress: context?.client?.remoteAddress ?? "",
      },
      user: context?.user || undefined,
      roles: context?.roles ?? [],
      data: SessionData.from(context?.data ?? {}),
      home: new LinkHome(this, home),
      failed,
    });
  }

  /** The frontend is back, on this link or another. */
  reopen(link: Link, open: Open): void {
    this.awaySinceMs = undefined;
    this.link = link;
    this.handle = open.handle;
    this.core.reset(open.context?.user || undefined, open.context?.roles ?? [], SessionData.from(open.context?.data ?? {}));
    this.core.setPaused(open.context?.paused ?? false);
  }

  get held(): boolean {
    return this.#held !== undefined;
  }

  /** It is about to move. Gives what names this move to `release`. */
  hold(): object {
    this.#held ??= [];
    this.core.setMoving(true);
    return this.#held;
  }

  /** Has something said when it is known to whom. */
  later(say: () => void): boolean {
    if (!this.#held || this.#held.length >= mostHeld) return false;
    this.#held.push(say);
    return true;
  }

  /** It is where it is. @param move Only where it is still this one that is waited for. */
  release(move?: object): void {
    if (move && move !== this.#held) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    this.core.setMoving(false);
    for (const say of held) say();
  }

  /** Another frontend has it now. */
  moved(link: Link, open: Open): void {
    this.core.frontend = open.context?.frontend ?? "";
    this.core.incarnation = link.peer.incarnation;
    this.capability = Uint8Array.from(open.context?.capability ?? []);
    this.core.setMoving(false);
    this.reopen(link, open);
    this.release();
  }

  breakOff(reason: NanoError): void {
    const calls = [...this.calls.values()];
    this.calls.clear();
    for (const call of calls) call.breakOff(reason);
  }

  end(reason: CloseReason): Promise<void> {
    return this.core.end(reason);
  }
}

/** The id of the session that an Open names, in hex. */
export function sessionId(open: Open): string {
  return Buffer.from(open.context?.session ?? []).toString("hex");
}
