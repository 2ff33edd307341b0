import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { FailedSchema, GoneSchema } from "../../gen/nano/client/v1/client_pb.ts";
import type { ByteWriter } from "../contract/index.ts";
import type { NanoError } from "../error/index.ts";
import type { Stage } from "../metrics/index.ts";
import type { LogEntry, OutgoingPush, SessionCore, SessionLog } from "../session/index.ts";
import type { Arriving } from "./arrival.ts";
import type { ClientMessage } from "./client-message.ts";
import type { ClientSession } from "./client-session.ts";
import type { Connection } from "./connection.ts";
import { failedRoute, goneRoute } from "./log-writer.ts";
import type { SessionEnd } from "./session-end.ts";
import type { SessionHost } from "./session-host.ts";

/** What one session says to its client: into its log, or past it where nothing waits. */
export class Outbox {
  /** None while its client has none. */
  connection: Connection | undefined;
  /** What comes before all that came elsewhere is known. */
  arriving: Arriving | undefined;
  /** Whether the session ends with the last answer that it owes. */
  leaving = false;
  readonly #core: SessionCore;
  readonly #log: SessionLog;
  readonly #end: SessionEnd;
  readonly #host: SessionHost;
  /** Whether the client sent `sys.nano`. */
  readonly #nano: boolean;
  // Whether what was sent is kept.
  readonly #keeps: boolean;

  constructor(
    session: Pick<ClientSession, "core" | "log">,
    end: SessionEnd,
    connection: Connection,
    host: SessionHost,
    keeps: boolean,
  ) {
    this.#end = end;
    this.#core = session.core;
    this.#log = session.log;
    this.connection = connection;
    this.#host = host;
    this.#nano = connection.nano;
    this.#keeps = keeps;
  }

  answer(id: number, route: string, body: Uint8Array): void {
    this.add({ kind: "answer", id, route, body, error: undefined, delivery: "replay", key: "" });
  }

  /** An answer that is all that lies in a writer: true during the call. Where nothing waits before it, it need not wait either. */
  answerLaid(id: number, route: string, answer: ByteWriter): void {
    if (this.#core.ended) return;
    if (this.leaving || !this.connection?.lay(id, answer)) return this.answer(id, route, answer.slice(0, answer.length));
    if (!this.#keeps) return;
    const body = answer.slice(0, answer.length);
    if (!this.#log.passed({ kind: "answer", id, route, body, error: undefined, delivery: "replay", key: "" })) this.#full();
    if (this.#host.budget.over) this.#crowded();
  }

  /** An answer that no schema has under the route. */
  answerAs(id: number, route: string, schema: DescMessage, body: Uint8Array): void {
    this.add({ kind: "answer", id, route, schema, body, error: undefined, delivery: "replay", key: "" });
  }

  /** Tells the client that a message was not handled, and counts why. */
  refuse({ kind, id, route }: Pick<ClientMessage, "kind" | "id" | "route">, error: NanoError, stage: Stage): void {
    if (this.#core.ended) return;
    this.#host.counters.refused[stage]++;
    if (kind === "notify") return this.#notifyFailed(route, error);
    this.add({ kind: "failure", id, route, body: nothing, error, delivery: "replay", key: "" });
  }

  // Only nano clients understand being told.
  #notifyFailed(route: string, error: NanoError): void {
    if (!this.#nano) return;
    const body = toBinary(FailedSchema, create(FailedSchema, { route, code: error.code, message: error.message }));
    this.push({ route: failedRoute, body, delivery: "replay" });
  }

  /** The server that the session was stuck to is gone. */
  gone(type: string): void {
    if (!this.#nano) return;
    this.push({ route: goneRoute, body: toBinary(GoneSchema, create(GoneSchema, { type })), delivery: "replay" });
  }

  push(push: OutgoingPush): void {
    if (this.arriving) {
      if (!this.arriving.add(push)) this.#end.giveUp("full");
      return;
    }
    this.add(this.#host.sharedPushes.entryOf(push));
  }

  add(entry: LogEntry): void {
    if (this.#core.ended) return;
    // An answer counts as given a moment later; what both say leaves in one write.
    if (this.leaving) queueMicrotask(() => this.#end.ifAnswered());
    if (this.#log.add(entry)) {
      if (this.connection) this.#host.flushSoon(this.connection);
    } else this.#full();
    if (this.#host.budget.over) this.#crowded();
  }

  /** All logs together hold more than they may: who has no connection gives way, then whoever is read too slowly. */
  #crowded(): void {
    this.#host.farewells.makeRoom();
    this.#host.paused.makeRoom();
    if (!this.#host.budget.over || !this.connection) return;
    this.connection.flush();
    if (this.#log.length > 0) this.#end.tooSlow();
  }

  /** More waits than may. */
  #full(): void {
    const log = this.#log;
    // Much may be sent in one turn; what the socket takes at once was never waiting, and is acknowledged a moment later.
    this.connection?.flush();
    if (this.connection && log.length === 0) log.forgetSent();
    const { over } = log;
    if (over === undefined) return;
    this.#host.counters.limits[over === "messages" ? "queueMessages" : "queueBytes"]++;
    if (this.#core.paused) this.#end.giveUp("too_slow");
    else this.#end.tooSlow();
  }
}

const nothing = new Uint8Array(0);
