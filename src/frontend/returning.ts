import type { ResetReason } from "../metrics/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Farewell, Farewells } from "./farewells.ts";
import type { LastWords } from "./last-words.ts";
import { parseTicket } from "./ticket.ts";

/** A session to come back to, or what is left of one, with the secret of the ticket; or why there is none. */
export type Found = { readonly session: ClientSession | LastWords; readonly secret: string } | Exclude<Farewell, LastWords>;

/** Finds the session of a ticket. */
export type FindReturning = (ticket: string) => Found;

/** Finds sessions of this frontend. Whoever has no right to one hears no more than that there is none. */
export function createFindReturning(options: {
  readonly incarnation: bigint;
  readonly sessions: ReadonlyMap<string, ClientSession>;
  readonly farewells: Farewells;
}): FindReturning {
  const none = (reset: ResetReason): Farewell => ({ reset });
  return (text) => {
    const ticket = parseTicket(text);
    if (!ticket) return none("unknown");
    const session = options.sessions.get(ticket.session);
    // One that has come from another frontend is here under its old tickets, too.
    if (ticket.incarnation !== options.incarnation && !session) return none("frontend");
    if (session?.resumption?.has(ticket.secret)) return { session, secret: ticket.secret };
    const farewell = options.farewells.find(ticket.session, ticket.secret) ?? none("unknown");
    return "log" in farewell ? { session: farewell, secret: ticket.secret } : farewell;
  };
}
