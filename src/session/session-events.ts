import type { CloseReason } from "../error/index.ts";
import type { ClientInfo } from "./session.ts";

/** A session with a user, as a server hears of it that may never have served it. To reach it, there is `users(user)`. */
export interface UserSession {
  /** 128 random bits, in hex. */
  readonly id: string;
  /** Who it is, or was. */
  readonly user: string;
  /** The id of the frontend that holds the client. */
  readonly frontend: string;
  readonly client: ClientInfo;
}

/**
 * What a server hears of the users' sessions on all frontends, its own among them, also of those that it never served. Each is `bound` once for each of
 * its users, and then `unbound` or `closed` once. An error is logged and goes no further.
 */
export interface SessionEvents {
  /** A session has got a user; or it had one when this server came to hear of it. */
  bound?(session: UserSession): void;
  /** Its user has logged out. The session goes on. */
  unbound?(session: UserSession): void;
  /** A session that had a user has ended. `lost` where its frontend is gone, or its end was not heard of. */
  closed?(session: UserSession, reason: CloseReason): void;
}
