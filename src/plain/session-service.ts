import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { type Frame, FrameSchema, type GroupName, type SessionKey } from "../../gen/nano/cluster/v1/link_pb.ts";
import { SessionService } from "../../gen/nano/cluster/v1/session_pb.ts";
import { codes, publicError } from "../error/index.ts";
import type { FrameBody, Outcome } from "../link/index.ts";

/** Does what a frame asks for, as if a link had brought it. */
export type AskFrontend = (body: FrameBody) => Promise<Outcome>;

type Asked = Exclude<NonNullable<MessageInitShape<typeof FrameSchema>["body"]>, { readonly case?: undefined }>;

/** Serves `nano.cluster.v1.SessionService`: by each call a server without a link sends what another would send as a frame. */
export function createSessionService(ask: AskFrontend): (router: ConnectRouter) => void {
  async function does(body: Asked): Promise<Outcome> {
    const frame: Frame = create(FrameSchema, { body });
    try {
      return await ask(frame.body as FrameBody);
    } catch (reason) {
      const { code, message } = publicError(reason);
      throw new ConnectError(message, 1 + codes.indexOf(code));
    }
  }

  return (router) =>
    router.service(SessionService, {
      async push({ session, route, body, delivery }) {
        const target = { case: "session", value: must(session, "a session") } as const;
        await does({ case: "push", value: { route, body, delivery, target } });
        return {};
      },
      async pushGroup({ group, route, body, delivery, except }) {
        const target = { case: "group", value: must(group, "a group") } as const;
        await does({ case: "push", value: { route, body, delivery, except, target } });
        return {};
      },
      async bind({ session, user, roles }) {
        const outcome = await does({ case: "bind", value: { session: by(session), user, roles } });
        return outcome.case === "bound" ? { bound: outcome.value } : {};
      },
      async patch({ session, patch, expected }) {
        const value = { session: by(session), ...(patch ? { patch } : {}), ...(expected ? { expected } : {}) };
        const outcome = await does({ case: "write", value });
        return { written: outcome.case === "written" && outcome.value };
      },
      async kick({ session, code, reason }) {
        await does({ case: "kick", value: { session: by(session), code, reason } });
        return {};
      },
      async addToGroup({ session, group }) {
        await does({ case: "groupChange", value: { session: by(session), group: must<GroupName>(group, "a group") } });
        return {};
      },
      async removeFromGroup({ session, group }) {
        await does({
          case: "groupChange",
          value: { session: by(session), group: must<GroupName>(group, "a group"), remove: true },
        });
        return {};
      },
    });
}

function by(session: SessionKey | undefined) {
  return { by: { case: "key", value: must(session, "a session") } } as const;
}

function must<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  throw new ConnectError(`${what} must be named`, 1 + codes.indexOf("invalid_argument"));
}
