import type { CloseReason, Kick } from "../error/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import type { SessionLog } from "../session/index.ts";
import type { Connection } from "./connection.ts";
import type { ConnectedSession, NanoPart } from "./connection-host.ts";
import type { Pace } from "./rate.ts";
import type { Resumption } from "./resumption.ts";

/** What is left of a session that was kicked. */
export interface LastWordsOptions {
  readonly id: string;
  readonly log: SessionLog;
  readonly resumption: Resumption;
  readonly reason: CloseReason;
  readonly kick: Kick;
  readonly counters: Pick<FrontendCounters, "replayed">;
}

/** A session that was kicked while its client had not got all that was pushed before: the client comes back for that, hears the kick behind it, and no more. */
export class LastWords implements ConnectedSession {
  readonly id: string;
  readonly log: SessionLog;
  readonly resumption: Resumption;
  readonly kick: Kick;
  readonly #options: LastWordsOptions;
  #connection: Connection | undefined;
  #forgotten = false;

  constructor(options: LastWordsOptions) {
    this.id = options.id;
    this.log = options.log;
    this.resumption = options.resumption;
    this.kick = options.kick;
    this.#options = options;
    // Nothing droppable is worth the wait.
    this.log.pause();
  }

  /** The client is here, and has yet to acknowledge its handshake. */
  expect(connection: Connection): void {
    this.#connection = connection;
  }

  /** The client is back. Undefined where nothing waits for it, or not all of that is kept: then it hears the kick alone. */
  resume(connection: Connection, secret: string, received: number): NanoPart | undefined {
    if (this.#forgotten) return undefined;
    const offer = this.resumption.resume(secret, received);
    if (!offer || !this.log.hasBehind(received)) return undefined;
    const before = this.#connection;
    this.#connection = connection;
    before?.destroy({ kind: "lost", message: "the client has come back on another connection" });
    return offer;
  }

  opened(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#options.counters.replayed += this.resumption.confirm() ?? 0;
    connection.kick(this.kick, this.#options.reason);
  }

  /** Nobody comes for them any more, or there is no room for them. */
  forget(): void {
    this.#forgotten = true;
    this.log.clear();
  }

  pace(): Pace {
    return "within";
  }

  receive(): void {}

  tooFast(): void {}

  tooSlow(): void {
    this.#connection?.destroy(this.#options.reason);
  }

  disconnected(connection: Connection): void {
    if (connection === this.#connection) this.#connection = undefined;
  }
}
