import type { Message } from "@bufbuild/protobuf";
import type { Codec } from "./codec.ts";

/** How a listener is removed without its return value. */
export interface ListenOptions {
  /** Removes the listener. */
  readonly signal?: AbortSignal;
}

/** Hears a push until it is removed: by what it gives back, or by a signal. */
export type Listen<M extends Message> = (listener: (message: M) => void, options?: ListenOptions) => () => void;

/** An error that a method declares, as clients see it: the codec of its detail, or null; whether to try again. */
export type ClientError = Codec<Message> | null | { readonly detail?: Codec<Message>; readonly retryable: boolean };

/** A method as clients see it. */
export type ClientMethod =
  | {
      readonly kind: "request";
      readonly route: string;
      readonly input: Codec<Message>;
      readonly output: Codec<Message>;
      readonly timeoutMs?: number;
      readonly idempotent?: boolean;
      /** Whether the message's rules hold; absent, they do. */
      readonly validate?: false;
      readonly errors?: { readonly [code: string]: ClientError };
    }
  | { readonly kind: "notify"; readonly route: string; readonly input: Codec<Message>; readonly validate?: false }
  | { readonly kind: "push"; readonly route: string; readonly output: Codec<Message> };

/** A service as clients see it. `C` is what calls it. */
export interface ClientService<C> {
  /** The version of the generated code. */
  readonly codegen: 1;
  readonly kind: "client";
  /** As "chat.v1.RoomService". */
  readonly service: string;
  /** Names the routes and messages that the code was printed from. */
  readonly fingerprint?: string;
  readonly methods: { readonly [name: string]: ClientMethod };
  readonly "~client"?: C;
}
