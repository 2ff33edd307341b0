import type { Clock, Random, Timer } from "../clock/index.ts";
import { type CloseReason, NanoError } from "../error/index.ts";
import type { HandshakeAnswer, HandshakeRequest, NanoRequest } from "../handshake/index.ts";
import type { DecodedMessage, MessageHeader } from "../message/index.ts";
import { ClientConnection } from "./connection.ts";
import { Continuation } from "./continuation.ts";
import { createInflow } from "./inflow.ts";
import { onAbort } from "./on-abort.ts";
import { createBackoff, mayReturn, type ReconnectOptions } from "./reconnect.ts";
import type { ClientState } from "./state.ts";
import type { Transport } from "./transport.ts";
import { onWake } from "./wake.ts";

/** What an uplink is made of. */
export interface UplinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly connectTimeoutMs: number;
  readonly maxPacketBytes: number;
  readonly reconnect: ReconnectOptions | false;
  /** @param resume The session to come back to. */
  handshake(resume: NanoRequest["resume"]): HandshakeRequest;
  /** The server has let the client in. What it throws closes the client. */
  admitted(answer: HandshakeAnswer): void;
  /** The state says open, and everybody has heard. */
  open(state: OpenState): void;
  message(message: DecodedMessage, buffer: Uint8Array): void;
  /** The session is gone with its connection. What was sent and not answered: nobody knows whether it arrived. */
  lost(reason: CloseReason): void;
  /** The client is closed. */
  over(reason: CloseReason): void;
  changed(state: ClientState, before: ClientState): void;
}

type OpenState = Extract<ClientState, { readonly name: "open" }>;

/** Hears that a session is open, or why there is none. */
type Waiter = (error?: NanoError) => void;

// A server that lets clients in and drops them at once is not dialled as if nothing had happened (clients.md, rule 7).
const steadyMs = 5_000;

/** The way up to a server, over as many connections as it takes. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #backoff: ReturnType<typeof createBackoff>;
  readonly #waiters = new Set<Waiter>();
  #state: ClientState = { name: "idle" };
  #connection: ClientConnection | undefined;
  // The last that was let in.
  #admitted: ClientConnection | undefined;
  readonly #continuation = new Continuation();
  #retry: Timer | undefined;
  #asleep: (() => void) | undefined;
  #attempt = 0;
  #wasOpen = false;
  #openedAtMs = 0;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options.random, options.reconnect || {});
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Resolves when a session is open. Rejects when the server cannot be reached or refuses, or the signal aborts. */
  connect(signal?: AbortSignal): Promise<void> {
    if (this.#state.name === "open") return Promise.resolve();
    if (signal?.aborted) return Promise.reject(canceled(signal));
    return new Promise((resolve, reject) => {
      const unheard = onAbort(signal, () => {
        settle(canceled(signal));
        // Nobody waits for it any more.
        if (this.#waiters.size === 0 && !this.#wasOpen) this.close("connecting was given up");
      });
      const settle: Waiter = (error) => {
        this.#waiters.delete(settle);
        unheard();
        if (error) reject(error);
        else resolve();
      };
      this.#waiters.add(settle);
      if (this.#state.name !== "idle" && this.#state.name !== "closed") return;
      this.#backoff.reset();
      this.#attempt = 0;
      this.#asleep = onWake(() => this.#awake());
      this.#dial();
    });
  }

  close(message = "the client was closed"): void {
    if (this.#state.name === "closed") return;
    const connection = this.#connection;
    this.#over({ kind: "left", message }, new NanoError({ code: "canceled", message }));
    connection?.close();
  }

  /** Sends one message of an open session. Throws MessageError on a route that has no bytes. */
  send(header: MessageHeader, body: Uint8Array): void {
    this.#connection?.send(header, body);
    this.#continuation.sent(header, body);
  }

  #dial(): void {
    const options = this.#options;
    const inflow = createInflow({
      maxBytes: options.maxPacketBytes,
      deliver: (message, buffer) => {
        if (connection === this.#connection) options.message(message, buffer);
      },
      failed: (reason) => connection.broken(reason),
    });
    const connection = new ClientConnection({
      transport: options.transport,
      clock: options.clock,
      connectTimeoutMs: options.connectTimeoutMs,
      maxPacketBytes: options.maxPacketBytes,
      handshake: () => options.handshake(this.#continuation.resume(this.#admitted?.received ?? 0)),
      opened: (answer) => this.#opened(connection, answer),
      counted: (count) => this.#continuation.count(count),
      message: (message, buffer) => inflow.take(message, buffer),
      // What was said before the end is heard before it.
      closed: (reason) => inflow.end(() => this.#dropped(connection, reason)),
    });
    this.#connection = connection;
    this.#retry = undefined;
    this.#become({ name: "connecting", attempt: ++this.#attempt });
    connection.open().catch((reason: unknown) => {
      if (connection !== this.#connection) return;
      const error = NanoError.from(reason);
      this.#gone(
        connection.failure ?? { kind: "lost", code: error.code, message: error.message },
        error,
        connection.retryAfterMs,
      );
    });
  }

  #opened(connection: ClientConnection, answer: HandshakeAnswer): void {
    const { nano } = answer.sys;
    this.#options.admitted(answer);
    const came = this.#continuation.admitted(nano);
    const via = came !== "new" ? came : this.#wasOpen ? "reset" : "first";
    this.#admitted = connection;
    for (const { header, body } of this.#continuation.again()) connection.send(header, body);
    this.#wasOpen = true;
    this.#attempt = 0;
    this.#openedAtMs = this.#options.clock.now();
    const reset = via === "reset" ? { reset: nano?.reset ?? "unknown" } : {};
    const state: OpenState = { name: "open", via, session: nano?.session ?? "", ...reset };
    this.#become(state);
    for (const settle of this.#waiters) settle();
    this.#options.open(state);
  }

  #dropped(connection: ClientConnection, reason: CloseReason): void {
    if (connection !== this.#connection) return;
    if (this.#options.clock.now() - this.#openedAtMs >= steadyMs) this.#backoff.reset();
    if (!this.#continuation.possible) this.#options.lost(reason);
    this.#gone(reason, new NanoError({ code: "unavailable", message: reason.message }), undefined);
  }

  #gone(reason: CloseReason, error: NanoError, afterMs: number | undefined): void {
    this.#connection = undefined;
    // A client that never was in tells its caller, unless the server has said when to come again.
    const returns = this.#options.reconnect !== false && mayReturn(reason) && (this.#wasOpen || afterMs !== undefined);
    const retryInMs = returns ? this.#backoff.next(afterMs) : undefined;
    if (retryInMs === undefined) return this.#over(reason, error);
    this.#retry = this.#options.clock.after(retryInMs, () => this.#dial(), { keepAlive: true });
    this.#become({ name: "waiting", attempt: this.#attempt, retryInMs: Math.round(retryInMs), error });
  }

  #over(reason: CloseReason, error: NanoError): void {
    this.#retry?.cancel();
    this.#asleep?.();
    this.#connection = this.#admitted = undefined;
    this.#continuation.clear();
    this.#wasOpen = false;
    this.#options.over(reason);
    for (const settle of this.#waiters) settle(error);
    this.#become({ name: "closed", reason });
  }

  #awake(): void {
    if (this.#state.name === "open") return this.#connection?.checkLife();
    if (this.#state.name !== "waiting") return;
    this.#retry?.cancel();
    this.#dial();
  }

  #become(state: ClientState): void {
    const before = this.#state;
    this.#state = state;
    this.#options.changed(state, before);
  }
}

/** What a call fails with whose signal has aborted. */
export function canceled(signal: AbortSignal | undefined): NanoError {
  const error = NanoError.from(signal?.reason);
  if (error.code === "deadline_exceeded" || error.code === "canceled") return error;
  return new NanoError({ code: "canceled", message: "given up", cause: signal?.reason });
}
