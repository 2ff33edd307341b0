import { type Clock, type Random, toHex, within } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import type { HandshakeRequest, NanoRequest } from "../handshake/index.ts";
import type { Logger } from "../logger/index.ts";
import type { FrontendCounters, ResetReason } from "../metrics/index.ts";
import type { ClientInfo, Handshake } from "../session/index.ts";
import { type Authenticate, type Authenticated, firstData, type Refusal } from "./authenticate.ts";
import type { ClientForm, ClientForms } from "./client-form.ts";
import type { ClientSession } from "./client-session.ts";
import type { Connection } from "./connection.ts";
import type { HandshakeOutcome } from "./connection-host.ts";
import { LastWords } from "./last-words.ts";
import type { ResolvedLimits } from "./limits.ts";
import { moved } from "./move.ts";
import type { Relays } from "./relays.ts";
import type { Releases } from "./releases.ts";
import type { FindReturning } from "./returning.ts";
import type { TakeOver } from "./take-over.ts";
import { parseTicket } from "./ticket.ts";

/** What deciding on handshakes needs. */
export interface ReceptionOptions {
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly limits: ResolvedLimits;
  readonly forms: ClientForms;
  readonly releases: Releases;
  /** A client must update before it may come in. */
  readonly outdated: () => void;
  readonly authenticate: Authenticate | undefined;
  readonly counters: Pick<FrontendCounters, "resumes">;
  /** Finds the session that a client comes back to. */
  readonly returning: FindReturning;
  /** Leads clients on to the frontends that have their sessions. */
  readonly relays: Pick<Relays, "open">;
  /** Takes their sessions over from frontends that drain. */
  readonly takeOver: TakeOver;
  /** False once the server lets its clients go. */
  readonly isOpen: () => boolean;
  /** Makes a session, which nobody can find yet. */
  readonly begin: (id: string, connection: Connection, client: ClientSession["core"]["client"]) => ClientSession;
  /** The session is let in. */
  readonly admitted: (session: ClientSession) => void;
}

/** Decides on handshakes: how the client is spoken to, and who it is. Never rejects. */
export type Reception = (connection: Connection, request: HandshakeRequest) => Promise<HandshakeOutcome>;

// What pomelo's clients know of: "client version not fullfill".
const oldClient = 501;

/** Makes one. */
export function createReception(options: ReceptionOptions): Reception {
  const { clock, log, limits, forms, releases } = options;

  async function admit(session: ClientSession, { user, roles, data }: Authenticated): Promise<void> {
    if (data) await session.home.write(firstData(data), undefined);
    if (user !== undefined) await session.home.bind(user, roles ?? []);
  }

  /** Asks the application. A refusal is for good. */
  function ask(
    connection: Connection,
    handshake: Omit<Handshake, "remoteAddress">,
    sinceMs = connection.acceptedAtMs,
  ): Promise<Authenticated | Refusal | undefined> {
    return within(
      clock,
      Math.max(1, sinceMs + limits.handshakeMs - clock.now()),
      (async () => options.authenticate?.({ ...handshake, remoteAddress: connection.remoteAddress }))(),
      () => ({ code: "deadline_exceeded", reason: "authentication took too long" }),
    );
  }

  /** The client comes back. Gives why it gets a new session, where it must. */
  async function resume(
    connection: Connection,
    form: ClientForm,
    handshake: Omit<Handshake, "remoteAddress">,
    { ticket, received }: NonNullable<NanoRequest["resume"]>,
    fingerprint: string | undefined,
  ): Promise<HandshakeOutcome | ResetReason> {
    let sinceMs = connection.acceptedAtMs;
    let found = options.returning(ticket);
    const parsed = parseTicket(ticket);
    if (parsed && parsed.incarnation !== options.incarnation && "reset" in found) {
      const relay = await options.relays.open(ticket, parsed.incarnation, connection.remoteAddress);
      if (relay !== "drains") return typeof relay === "string" ? relay : { ok: "relayed", relay };
      const moving = await options.takeOver({
        text: ticket,
        ticket: parsed,
        received,
        begin: (id) => options.begin(id, connection, clientOf(handshake, connection, fingerprint)),
      });
      if (moving === "later") return later;
      if (typeof moving === "string") return moving;
      options.counters.resumes.claimed++;
      // How long that took is not the application's fault.
      sinceMs = clock.now();
      found = options.returning(ticket);
    }
    if ("session" in found) {
      const decided = await ask(connection, { ...handshake, resumed: true }, sinceMs);
      if (decided && "reason" in decided) return refuse(400, decided.code, decided.reason);
      if (!options.isOpen()) return refuse(503, moved.code, moved.reason);
      // The session may have ended while the application decided, or the client have come on yet another connection.
      found = options.returning(ticket);
    }
    if ("reset" in found) return found.reset;
    if ("kick" in found) return refuse(400, found.kick.code, found.kick.reason);
    if (connection.state !== "deciding") return refuse(400, "canceled", "the client has left");
    const { session, secret } = found;
    const nano = session.resume(connection, secret, received);
    if (nano) return { ok: true, session, form, nano };
    return session instanceof LastWords ? refuse(400, session.kick.code, session.kick.reason) : "history";
  }

  return async (connection, request) => {
    const known = releases.find(request.sys.nano?.fingerprint);
    if (known.outdated) {
      options.outdated();
      return refuse(oldClient, "must_update", releases.updateReason);
    }
    const form = forms.choose(request, known.table);
    if (!form) return refuse(400, "invalid_argument", `this server does not speak "${request.sys.serializer}"`);
    const { sys } = request;
    const platform = sys.platform ?? sys.type ?? "";
    const version = sys.clientVersion ?? sys.version ?? "";
    const { clientBuildNumber: build = "", libVersion: library = "" } = sys;
    const handshake = { platform, version, build, library, user: request.user, resumed: false };
    let reset: ResetReason | undefined;
    if (sys.nano?.resume) {
      const { resumes } = options.counters;
      let outcome: HandshakeOutcome | ResetReason;
      try {
        outcome = await resume(connection, form, handshake, sys.nano.resume, sys.nano.fingerprint);
      } catch (reason) {
        log.error({ err: reason }, "authenticate threw");
        outcome = refuse(400, "internal", "authentication failed");
      }
      if (typeof outcome !== "string") {
        if (!outcome.ok) resumes.refused++;
        else if (outcome.ok === "relayed") resumes.relayed++;
        return outcome;
      }
      reset = outcome;
      resumes[reset]++;
    }
    const client = clientOf(handshake, connection, sys.nano?.fingerprint);
    const session = options.begin(toHex(options.random.bytes(16)), connection, client);
    try {
      const decided = await ask(connection, handshake);
      if (decided && "reason" in decided) return refuse(400, decided.code, decided.reason);
      // A server may begin to drain while the application decides.
      if (!options.isOpen()) return refuse(503, moved.code, moved.reason);
      options.admitted(session);
      if (decided) await admit(session, decided);
      if (connection.state !== "deciding") return { ...refuse(400, "canceled", "the client has left"), begun: session };
      return { ok: true, session, form, nano: sys.nano ? session.offer(reset) : undefined };
    } catch (reason) {
      // The client is gone, or the cluster could not be told of its user: nothing that `authenticate` did.
      if (session.isOver) return { ...refuse(400, "canceled", "the session has ended"), begun: session };
      if (reason instanceof NanoError && reason.code === "unavailable") {
        return { ...refuse(400, reason.code, reason.message), begun: session };
      }
      log.error({ err: reason }, "authenticate threw");
      return { ...refuse(400, "internal", "authentication failed"), begun: session };
    }
  };
}

// Soon: what is under way is answered, or the session has come.
const later = { ok: false, code: 503, kick: { code: "busy", reason: "the session is on its way here" }, afterMs: 200 } as const;

function clientOf(
  { platform, version }: Pick<Handshake, "platform" | "version">,
  { remoteAddress }: Connection,
  fingerprint: string | undefined,
): ClientInfo {
  return { platform, version, fingerprint, remoteAddress };
}

function refuse(code: number, kick: string, reason: string): Extract<HandshakeOutcome, { readonly ok: false }> {
  return { ok: false, code, kick: { code: kick, reason } };
}
