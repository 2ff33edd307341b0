import type { Message } from "@bufbuild/protobuf";
import type { Init, Push } from "../contract/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";
import type { ContextValues } from "./values.ts";

/** Unsubscribes. */
export type Off = () => void;

/** Some fields of a message. `undefined` clears one. */
export type Patch<D extends Message> = {
  readonly [F in keyof Init<D> as F extends "$typeName" ? never : F]?: Init<D>[F] | undefined;
};

/** A message to look at. */
export type View<M extends Message> = { readonly [F in keyof M]: ViewOf<M[F]> };

type ViewOf<F> = F extends string | number | bigint | boolean | Uint8Array | undefined
  ? F
  : F extends readonly (infer U)[]
    ? readonly ViewOf<U>[]
    : { readonly [K in keyof F]: ViewOf<F[K]> };

/** Who was not reached. */
export interface Reach {
  /** Users, or ids of sessions where these have none. */
  readonly missed: readonly string[];
}

/** Whatever can be pushed to. */
export interface Target {
  /** Ordered and bounded; at most once over a link that stays broken. */
  push<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): void;
  /** Resolves when every frontend concerned has the push in its logs. */
  deliver<M extends Message>(push: Push<M>, message: NoInfer<Init<M>>): Promise<Reach>;
}

/** What became of the user's session before this one: there was none, it ended with its callbacks, or it had not within 5 s. */
export type FormerSession = "none" | "ended" | "timed_out";

/** What the client said in its handshake. */
export interface ClientInfo {
  readonly platform: string;
  readonly version: string;
  /** Names the generated code of a nano client. */
  readonly fingerprint: string | undefined;
  readonly remoteAddress: string;
}

/** One client, from handshake to close, however often its socket changes. */
export interface Session<D extends Message = Message> extends Target {
  /** 128 random bits, in hex. Public: it gives no right to anything. */
  readonly id: string;
  /** The user that the session is bound to. */
  readonly user: string | undefined;
  readonly roles: readonly string[];
  /** The id of the frontend that holds the client. */
  readonly frontend: string;
  /**
   * `paused`: the client has no connection, and may come back. `moving`: it has none either, and the session is on its way from a frontend that drains to the one
   * that the client has come back by; what is sent to it waits, and what is asked of its frontend waits for the new one.
   */
  readonly state: "open" | "paused" | "moving" | "ended";
  /** What the schema says a session knows. Change it by `patch`. */
  readonly data: View<D>;
  /** What this server alone knows of the session. */
  readonly values: ContextValues;
  readonly client: ClientInfo;

  /**
   * Makes the session a user's. Another session of the user is ended (`replaced`), and its close callbacks are waited for, up to 5 s.
   * The same user again does nothing; another one throws `failed_precondition`, and a name over 256 characters `invalid_argument`.
   */
  bind(
    user: string,
    options?: { readonly roles?: readonly string[] },
  ): Promise<{ readonly session: BoundSession<D>; readonly former: FormerSession }>;
  /** Logout: the session has no user, and is in no group. */
  unbind(): Promise<void>;
  /** Sets some fields of the data: here at once, everywhere in order. Resolves when applied; throws `resource_exhausted` over 2 KiB. */
  patch(fields: Patch<D>): Promise<void>;
  /** Sets some fields if others are still as expected; false if they are not. */
  patchIf(expected: Patch<D>, fields: Patch<D>): Promise<boolean>;
  /** Sends what was pushed before, tells the client why, and ends the session. */
  kick(kick: Kick): void;

  onBind(listener: (user: string) => void): Off;
  onPatch(listener: (fields: readonly string[]) => void): Off;
  onPause(listener: () => void): Off;
  onResume(listener: () => void): Off;
  /** Hears the end once; at once, if it has been. The user's next session waits for the promise that it may give. */
  onClose(listener: (reason: CloseReason) => void | Promise<void>): Off;
}

/** A session that has a user. */
export interface BoundSession<D extends Message = Message> extends Session<D> {
  readonly user: string;
}

/** What a client said when it came. */
export interface Handshake {
  /** Of the client: `sys.platform`, or `sys.type` of clients of pomelo. Empty where it says none, as the next three. */
  readonly platform: string;
  /** `sys.clientVersion`, or `sys.version` of clients of pomelo. */
  readonly version: string;
  /** `sys.clientBuildNumber`, as clients of Pitaya say it. */
  readonly build: string;
  /** The version of the library that it is made with: `sys.libVersion`, as clients of Pitaya say it. */
  readonly library: string;
  /** What the client put under `user`. Unchecked. */
  readonly user: unknown;
  readonly remoteAddress: string;
  /** Whether the session was there before, and the client comes back to it. */
  readonly resumed: boolean;
}
