import { create } from "@bufbuild/protobuf";
import {
  CloseReasonSchema,
  EndSchema,
  FieldPatchSchema,
  OpenSchema,
  PatchSchema,
  SessionContextSchema,
  SyncedSchema,
  UserChangeSchema,
} from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import type { CloseReason } from "../error/index.ts";
import { ask, type Link } from "../link/index.ts";
import type { DataPatch } from "../session/index.ts";
import type { ClientSession } from "./client-session.ts";

/** Which servers have seen which sessions, and what they are told of them. */
export interface SessionPeers {
  /** The session's handle on a link; opens it there if it is not. */
  handleOn(link: Link, session: ClientSession): number;
  sessionOf(link: Link, handle: number): ClientSession | undefined;
  /** The session's handle on a link where it was opened; else 0. */
  handleOf(link: Link, session: ClientSession): number;
  patched(session: ClientSession, patch: DataPatch): void;
  userChanged(session: ClientSession): void;
  /** The session's client lost its connection, or is back. */
  pausedChanged(session: ClientSession): void;
  /** Resolves when every server that saw the session has run its close callbacks, or was lost. Never rejects. */
  ended(session: ClientSession, reason: CloseReason): Promise<void>;
  /** The servers on which the session is open, by their links. */
  linksOf(session: ClientSession): Iterable<Link>;
  /** The session is another frontend's, which has opened it where it was open: only who watches is told. */
  movedAway(session: ClientSession, reason: CloseReason): void;
  /** The link is gone; gives the sessions that were open on it. */
  forget(link: Link): readonly ClientSession[];
  /** Opens sessions again on a link whose stream broke, or that takes the place of another, and says that these are all. */
  takeOver(link: Link, sessions: Iterable<ClientSession>): void;
}

/** @param capability The right to act on a session, made for those that are told of it. */
export function createSessionPeers(options: {
  readonly clock: Clock;
  readonly capability: (sessionId: string) => Uint8Array;
}): SessionPeers {
  const links = new Map<Link, { next: number; readonly sessions: Map<number, ClientSession> }>();
  const handles = new Map<ClientSession, Map<Link, number>>();

  function open(link: Link, session: ClientSession): number {
    const onLink = links.get(link) ?? { next: 1, sessions: new Map() };
    links.set(link, onLink);
    const handle = onLink.next++;
    onLink.sessions.set(handle, session);
    const own = handles.get(session) ?? new Map<Link, number>();
    handles.set(session, own.set(link, handle));
    tell(link, session, handle);
    return handle;
  }

  function tell(link: Link, session: ClientSession, handle: number): void {
    const { core } = session;
    link.send({
      case: "open",
      value: create(OpenSchema, {
        handle,
        version: session.version,
        context: create(SessionContextSchema, {
          session: Buffer.from(core.id, "hex"),
          frontend: core.frontend,
          incarnation: core.incarnation,
          capability: options.capability(core.id),
          user: core.user ?? "",
          roles: [...core.roles],
          data: session.home.data,
          paused: core.paused,
          client: { ...core.client, fingerprint: core.client.fingerprint ?? "" },
        }),
      }),
    });
  }

  return {
    handleOn: (link, session) => handles.get(session)?.get(link) ?? open(link, session),
    handleOf: (link, session) => handles.get(session)?.get(link) ?? 0,
    sessionOf: (link, handle) => links.get(link)?.sessions.get(handle),
    patched(session, patch) {
      for (const [link, handle] of handles.get(session) ?? []) {
        const data = create(FieldPatchSchema, { ...patch, cleared: [...patch.cleared] });
        link.send({ case: "patch", value: create(PatchSchema, { handle, version: session.version, data }) });
      }
    },
    userChanged(session) {
      for (const [link, handle] of handles.get(session) ?? []) {
        const user = create(UserChangeSchema, { user: session.core.user ?? "", roles: [...session.core.roles] });
        link.send({ case: "patch", value: create(PatchSchema, { handle, version: session.version, user }) });
      }
    },
    pausedChanged(session) {
      const { paused } = session.core;
      for (const [link, handle] of handles.get(session) ?? []) {
        link.send({ case: "patch", value: create(PatchSchema, { handle, version: session.version, paused }) });
      }
    },
    async ended(session, reason) {
      const told = [...(handles.get(session) ?? [])].map(([link, handle]) => {
        links.get(link)?.sessions.delete(handle);
        const why = create(CloseReasonSchema, { ...reason, code: reason.code ?? "" });
        return ask(link, options.clock.now() + endTimeoutMs, (call) =>
          link.send({ case: "end", value: create(EndSchema, { handle, reason: why, call }) }),
        );
      });
      handles.delete(session);
      // A server that does not answer is given up; whoever waits has its own deadline.
      await Promise.allSettled(told);
    },
    linksOf: (session) => handles.get(session)?.keys() ?? [],
    movedAway(session) {
      for (const [link, handle] of handles.get(session) ?? []) links.get(link)?.sessions.delete(handle);
      handles.delete(session);
    },
    forget(link) {
      const sessions = [...(links.get(link)?.sessions.values() ?? [])];
      links.delete(link);
      for (const session of sessions) handles.get(session)?.delete(link);
      return sessions;
    },
    takeOver(link, sessions) {
      // Those that the link had before its stream broke: what was pushed to them meanwhile names their handles.
      for (const [handle, session] of links.get(link)?.sessions ?? []) tell(link, session, handle);
      for (const session of sessions) if (!session.core.ended && !handles.get(session)?.has(link)) open(link, session);
      link.send({ case: "synced", value: create(SyncedSchema) });
    },
  };
}

const endTimeoutMs = 5_000;
