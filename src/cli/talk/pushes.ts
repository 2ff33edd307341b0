import type { JsonValue } from "@bufbuild/protobuf";
import { type Heard, Inbox } from "./inbox.ts";
import type { Talk } from "./talk.ts";
import { fits } from "./words.ts";

/** How a push is shown. */
export interface Hearing {
  /** What it must have to be shown; undefined: nothing. */
  readonly wanted: JsonValue | undefined;
  /** Over several lines. */
  readonly pretty: boolean;
}

/** The pushes of all sessions: which are shown as they come, and which have come and were not expected yet. */
export class Pushes {
  readonly #show: (heard: Heard, pretty: boolean) => void;
  readonly #inbox = new Inbox();
  /** By session and route: ends the hearing. */
  readonly #heard = new Map<string, () => void>();
  readonly #shown = new Map<string, Hearing>();

  /** @param show Shows one that came. */
  constructor(show: (heard: Heard, pretty: boolean) => void) {
    this.#show = show;
  }

  /** A session has begun: what its server tells of is kept from now on, for whoever expects it later. Where nothing is known, it is what somebody names. */
  begin(session: string, talk: Talk): void {
    for (const { kind, route } of talk.book.routes) if (kind === "push") this.#hear(session, talk, route);
  }

  /** Shows those of a route as they come. */
  show(session: string, talk: Talk, route: string, how: Hearing): void {
    this.#hear(session, talk, route);
    this.#shown.set(keyOf(session, route), how);
  }

  /** Shows them no more. Gives whether it did. */
  hide(session: string, route: string): boolean {
    return this.#shown.delete(keyOf(session, route));
  }

  /** The routes of a session that are shown. */
  shown(session: string): readonly string[] {
    const own = keyOf(session, "");
    return [...this.#shown.keys()].filter((key) => key.startsWith(own)).map((key) => key.slice(own.length));
  }

  /** The first that fits and that was not expected before: one that has come, or the next that does. Rejects after so long, or as the signal says. */
  async expect(
    { session, talk, route }: { readonly session: string; readonly talk: Talk; readonly route: string },
    wanted: JsonValue | undefined,
    { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
  ): Promise<JsonValue> {
    if (!this.#shown.has(keyOf(session, route))) this.show(session, talk, route, { wanted: undefined, pretty: false });
    const isWanted = (heard: Heard): boolean =>
      heard.session === session && heard.route === route && (wanted === undefined || fits(wanted, heard.data));
    const heard = await this.#inbox.take(isWanted, timeoutMs, signal);
    if (!heard.shown) this.#show(heard, false);
    return heard.data;
  }

  /** A session is over. */
  end(session: string): void {
    const own = keyOf(session, "");
    for (const [key, off] of this.#heard) {
      if (!key.startsWith(own)) continue;
      off();
      this.#heard.delete(key);
      this.#shown.delete(key);
    }
    this.#inbox.forget(session);
  }

  #hear(session: string, talk: Talk, route: string): void {
    const key = keyOf(session, route);
    if (this.#heard.has(key)) return;
    const off = talk.on(route, (data) => {
      const how = this.#shown.get(key);
      const heard = { session, route, data, shown: how !== undefined && (how.wanted === undefined || fits(how.wanted, data)) };
      if (heard.shown) this.#show(heard, how?.pretty ?? false);
      this.#inbox.put(heard);
    });
    this.#heard.set(key, off);
  }
}

const keyOf = (session: string, route: string): string => `${session}\n${route}`;
