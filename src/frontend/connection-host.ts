import type { ReadClock } from "../clock/index.ts";
import type { CloseReason, Kick } from "../error/index.ts";
import type { HandshakeRequest, NanoAnswer } from "../handshake/index.ts";
import { RouteTexts } from "../message/index.ts";
import type { SessionLog } from "../session/index.ts";
import type { Admission } from "./admission.ts";
import type { ClientForm } from "./client-form.ts";
import type { ClientMessage } from "./client-message.ts";
import type { Connection } from "./connection.ts";
import { createDescriber } from "./describe-error.ts";
import type { Door } from "./door.ts";
import type { FrontendOptions } from "./frontend-options.ts";
import type { ResolvedLimits } from "./limits.ts";
import { LogWriter, type LogWriterHost } from "./log-writer.ts";
import { moved } from "./move.ts";
import type { Pace } from "./rate.ts";
import type { Relay } from "./relay.ts";
import type { Offer, Resumption } from "./resumption.ts";
import { createDesk, type Desk } from "./writer.ts";

/** The session behind a connection. */
export interface ConnectedSession {
  readonly id: string;
  readonly log: SessionLog;
  /** Undefined where the client cannot come back. */
  readonly resumption: Resumption | undefined;
  /** The handshake is acknowledged: messages may come and go. */
  opened(connection: Connection): void;
  /** Whether it may send so much now. */
  pace(nowMs: number, messages: number, bytes: number): Pace;
  receive(message: ClientMessage, form: ClientForm): void;
  /** The client takes nothing of what it is sent. */
  tooSlow(): void;
  /** A message came too fast, and was not read. */
  tooFast(message: Pick<ClientMessage, "kind" | "id" | "route">): void;
  /** The connection is gone. */
  disconnected(connection: Connection, reason: CloseReason): void;
}

/** What only nano clients are told of their session. */
export type NanoPart = Offer & Pick<NanoAnswer, "reset">;

/** What came of a handshake. */
export type HandshakeOutcome =
  | { readonly ok: true; readonly session: ConnectedSession; readonly form: ClientForm; readonly nano: NanoPart | undefined }
  | { readonly ok: "relayed"; readonly relay: Relay }
  | HandshakeRefusal;

/** A client is not let in, and why. */
export interface HandshakeRefusal {
  readonly ok: false;
  readonly code: number;
  readonly kick: Kick;
  readonly begun?: ConnectedSession;
  readonly afterMs?: number | undefined;
}

/** Why a client may not come in now, and when it may ask again. */
export interface Postponed {
  readonly kick: Kick;
  readonly afterMs: number | undefined;
}

/** What a connection asks of its frontend. */
export interface ConnectionHost extends LogWriterHost {
  readonly limits: ResolvedLimits;
  readonly desk: Desk;
  readonly routeTexts: RouteTexts;
  /** What writes to all connections of a form. */
  writerOf(form: ClientForm): LogWriter;
  /** Whether so many sockets are closing that none can be waited for. */
  isCrowded(): boolean;
  /** Whether clients may say where their messages stand in a trace. */
  readonly readsTraces: boolean;
  /** Begins and ends with each read. */
  readonly time: ReadClock;
  now(): number;
  /** Undefined: the next handshake is decided on. */
  admit(): Postponed | undefined;
  /** Decides on a handshake. Never rejects. */
  handshake(connection: Connection, request: HandshakeRequest): Promise<HandshakeOutcome>;
  /** `connection.flush()` is called when this turn is over; of some of very many it may be called within this call, so what is to leave must be there. */
  flushSoon(connection: Connection): void;
  /** The handshake is done. */
  acknowledged(connection: Connection): void;
  /** Nothing more is said or heard. */
  closed(connection: Connection): void;
  /** The socket is gone too. */
  released(): void;
}

/** What the frontend gives its connections. */
interface ConnectionParts extends Pick<ConnectionHost, "counters" | "sharedPushes" | "handshake" | "flushSoon" | "closed"> {
  readonly door: Pick<Door, "crowded" | "acknowledged" | "released">;
  readonly admission: Pick<Admission, "admit">;
  isDraining(): boolean;
}

/** Makes it. It has no getters: what has some is looked up by name at each use. */
export function createConnectionHost(
  options: FrontendOptions,
  { door, admission, isDraining, ...parts }: ConnectionParts,
): ConnectionHost {
  const { limits, log, clock, directory } = options;
  const writers = new WeakMap<ClientForm, LogWriter>();
  const host: ConnectionHost = {
    ...parts,
    limits,
    desk: createDesk(),
    routeTexts: new RouteTexts(),
    time: options.time,
    writerOf(form) {
      const writer = writers.get(form) ?? new LogWriter(form, host);
      writers.set(form, writer);
      return writer;
    },
    readsTraces: options.tracing !== undefined,
    messages: (route) => directory.route(route)?.info.output,
    describe: createDescriber(options.describeError, (reason) => log.error({ err: reason }, "describeError threw")),
    oversized: (route, bytes) => log.error({ route, bytes }, `over limits.packetOutBytes (${limits.packetOutBytes}): not sent`),
    now: () => clock.now(),
    isCrowded: () => door.crowded,
    admit() {
      // Whoever says when to come again is come back to, also by a client that was never in.
      if (isDraining()) return { kick: moved, afterMs: 0 };
      const afterMs = admission.admit(clock.now());
      return afterMs === undefined
        ? undefined
        : { kick: { code: "busy", reason: "the server is busy: try again later" }, afterMs };
    },
    acknowledged: () => door.acknowledged(),
    released: () => door.released(),
  };
  return host;
}
