import { create } from "@bufbuild/protobuf";
import { type SessionContext, type SessionKey, SessionKeySchema, SessionQuerySchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import { type Clock, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError } from "../error/index.ts";
import { ask, type Link } from "../link/index.ts";
import type { Directory } from "../router/index.ts";
import type { SessionCore } from "../session/index.ts";
import type { Backend } from "./backend.ts";

/** What sessions are found by. */
export interface SessionFinderOptions {
  /** The own server's. */
  readonly incarnation: bigint;
  readonly clock: Clock;
  readonly directory: Pick<Directory, "byIncarnation">;
  readonly backend: Pick<Backend, "find">;
  /** A session that this server itself holds. Throws where there is none, or where the right to it is missing. */
  readonly own: (key: SessionKey) => SessionCore;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
}

/**
 * Finds the session that somebody has named, wherever its client is. One that was not heard of yet is asked for at its frontend, which tells of it
 * from then on. Rejects with NanoError: `permission_denied` without the right to it, `not_found` when it is over, `unavailable` where its frontend is
 * out of reach, `deadline_exceeded`.
 */
export function createSessionFinder(options: SessionFinderOptions) {
  const { clock, backend, directory } = options;
  return async (named: SessionContext, deadlineMs: number): Promise<SessionCore> => {
    const { session, capability, incarnation } = named;
    const key = create(SessionKeySchema, { session, capability });
    if (incarnation === options.incarnation) return options.own(key);
    const known = backend.find(named);
    if (known) return known;
    const frontend = directory.byIncarnation(incarnation);
    if (!frontend?.frontend) throw new NanoError({ code: "unavailable", message: "the frontend of the session is not there" });
    const link = await within(clock, deadlineMs - clock.now(), options.linkTo(frontend), () => {
      throw new NanoError({ code: "deadline_exceeded", message: "the frontend of the session was not reached in time" });
    });
    await ask(link, deadlineMs, (call) =>
      link.send({ case: "sessionQuery", value: create(SessionQuerySchema, { call, session: key }) }),
    );
    const found = backend.find(named);
    if (found) return found;
    throw new NanoError({ code: "not_found", message: "the session has ended" });
  };
}
