import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { type Frame, FrameSchema, type Missed, type SessionKey } from "../../gen/nano/cluster/v1/link_pb.ts";
import { SessionService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { codes, publicError } from "../error/index.ts";
import type { FrameBody, Outcome } from "../link/index.ts";
import {
  mustBeExcept,
  mustBeKick,
  mustBePatch,
  mustBePush,
  mustBeRoles,
  mustBeSessionOrNone,
  mustBeUsers,
  mustNameGroup,
  mustNameSession,
  type PushRules,
} from "./session-requests.ts";

/** The frontend that is asked. */
export interface AskedFrontend extends PushRules {
  /** Does what a frame asks for, as if a link had brought it. */
  ask(body: FrameBody): Promise<Outcome>;
  /** Ends a session, without a word to its client. */
  close(session: SessionKey): void;
}

type Asked = Exclude<NonNullable<MessageInitShape<typeof FrameSchema>["body"]>, { readonly case?: undefined }>;

/** Serves `nano.cluster.v1.SessionService`: by each call a server without a link asks for what another would send as a frame. */
export function createSessionService(frontend: AskedFrontend): (router: ConnectRouter) => void {
  async function does<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (reason) {
      const { code, message } = publicError(reason);
      throw new ConnectError(message, 1 + codes.indexOf(code));
    }
  }

  function ask(body: Asked): Promise<Outcome> {
    const frame: Frame = create(FrameSchema, { body });
    return frontend.ask(frame.body as FrameBody);
  }

  return (router) =>
    router.service(SessionService, {
      push: ({ session, route, body, delivery }, { requestHeader }) =>
        does(async () => {
          mustBePush({ route, body, delivery }, frontend);
          await ask({
            case: "push",
            value: {
              route,
              body,
              delivery,
              ...placeIn(requestHeader),
              target: { case: "session", value: mustNameSession(session) },
            },
          });
          return {};
        }),
      pushUsers: ({ users, route, body, delivery }, { requestHeader }) =>
        does(async () => {
          mustBePush({ route, body, delivery }, frontend);
          mustBeUsers(users);
          const outcome = await ask({
            case: "push",
            value: { route, body, delivery, ...placeIn(requestHeader), target: { case: "users", value: { users } } },
          });
          return { missed: missedOf(outcome)?.users ?? [] };
        }),
      pushGroup: ({ group, route, body, delivery, except }, { requestHeader }) =>
        does(async () => {
          mustBePush({ route, body, delivery }, frontend);
          mustBeExcept(except);
          const target = { case: "group", value: mustNameGroup(group) } as const;
          await ask({ case: "push", value: { route, body, delivery, except, ...placeIn(requestHeader), target } });
          return {};
        }),
      bind: ({ session, user, roles }) =>
        does(async () => {
          if (user !== "") mustBeUsers([user]);
          mustBeRoles(roles);
          const outcome = await ask({ case: "bind", value: { session: by(session), user, roles } });
          return outcome.case === "bound" ? { bound: outcome.value } : {};
        }),
      patch: ({ session, patch, expected }) =>
        does(async () => {
          for (const one of [patch, expected]) if (one) mustBePatch(one);
          const value = { session: by(session), ...(patch ? { patch } : {}), ...(expected ? { expected } : {}) };
          const outcome = await ask({ case: "write", value });
          return { written: outcome.case === "written" && outcome.value };
        }),
      kick: ({ session, code, reason }) =>
        does(async () => {
          mustBeKick({ code, reason });
          await ask({ case: "kick", value: { session: by(session), code, reason } });
          return {};
        }),
      close: ({ session }) =>
        does(() => {
          frontend.close(mustNameSession(session));
          return {};
        }),
      addToGroup: ({ session, group, everywhere }) =>
        does(async () => {
          const value = { session: by(session), group: mustNameGroup(group), everywhere };
          return { missing: missedOf(await ask({ case: "groupChange", value }))?.servers ?? [] };
        }),
      removeFromGroup: ({ session, group }) =>
        does(async () => {
          await ask({ case: "groupChange", value: { session: by(session), group: mustNameGroup(group), remove: true } });
          return {};
        }),
      groupMembers: ({ group, count, session, after }) =>
        does(async () => {
          for (const one of [session, after]) mustBeSessionOrNone(one);
          const outcome = await ask({ case: "groupQuery", value: { group: mustNameGroup(group), count, session, after } });
          return outcome.case === "members" ? { members: outcome.value } : {};
        }),
    });
}

function by(session: SessionKey | undefined) {
  return { by: { case: "key", value: mustNameSession(session) } } as const;
}

/** Where a caller says that its push stands in a trace. */
function placeIn(headers: Headers) {
  return { traceparent: headers.get("traceparent") ?? "", tracestate: headers.get("tracestate") ?? "" };
}

function missedOf(outcome: Outcome): Missed | undefined {
  return outcome.case === "missed" ? outcome.value : undefined;
}
