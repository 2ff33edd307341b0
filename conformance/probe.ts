import { createServer, type Http2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { GroupName, SessionKey } from "../gen/nano/cluster/v1/link_pb.ts";
import { SessionService } from "../gen/nano/cluster/v1/session_pb.ts";
import { type Ask, type Holder, ProbeSession } from "./probe-session.ts";

/** A frontend without clients: it makes sessions up, and keeps what a server asks for them. */
export interface Probe {
  /** As "127.0.0.1:4000". */
  readonly address: string;
  /** What was asked without a token of the cluster. */
  readonly strangers: readonly string[];
  /** The default is one without a user and without data. */
  session(as?: { readonly user: string; readonly room: string }): ProbeSession;
  close(): Promise<void>;
}

/** @param host Where it listens, at a port of its own. */
export async function openProbe(holder: Holder, host: string, tokens: readonly string[]): Promise<Probe> {
  const sessions = new Set<ProbeSession>();
  const groups = new Map<string, Set<ProbeSession>>();
  const strangers: string[] = [];
  const bearers = tokens.map((token) => `Bearer ${token}`);

  function enter(name: string, { requestHeader }: HandlerContext): void {
    if (bearers.length === 0 || bearers.includes(requestHeader.get("authorization") ?? "")) return;
    strangers.push(name);
    throw new ConnectError("no token of the cluster", Code.Unauthenticated);
  }

  /** Who has the right to it is let in, when and as the session says. */
  async function sessionOf(ask: Ask, context: HandlerContext, key: SessionKey | undefined): Promise<ProbeSession> {
    enter(ask, context);
    const session = [...sessions].find((one) => one.fits(key));
    if (!session) throw new ConnectError("not the right to that session", Code.PermissionDenied);
    session.asked.push(ask);
    if (session.hold?.ask === ask) await session.hold.until;
    if (session.refuse?.ask === ask) throw new ConnectError("the probe does not want to", session.refuse.code);
    return session;
  }

  function members(group: GroupName | undefined): Set<ProbeSession> {
    const name = `${group?.type}/${group?.name}`;
    const there = groups.get(name) ?? new Set();
    groups.set(name, there);
    return there;
  }

  const routes = (router: ConnectRouter): void => {
    router.service(SessionService, {
      async push({ session, route, body }, context) {
        (await sessionOf("Push", context, session)).told.push({ route, body });
        return {};
      },
      pushGroup({ group, route, body, except }, context) {
        enter("PushGroup", context);
        for (const member of members(group)) {
          if (!except.some((id) => Buffer.compare(id, member.id) === 0)) member.told.push({ route, body });
        }
        return {};
      },
      async bind({ session: key, user }, context) {
        const session = await sessionOf("Bind", context, key);
        session.user = user;
        return { bound: { former: "none" } };
      },
      async patch({ session: key, patch }, context) {
        const session = await sessionOf("Patch", context, key);
        if (patch) session.patched(patch);
        return { written: true };
      },
      async kick({ session }, context) {
        await sessionOf("Kick", context, session);
        return {};
      },
      async addToGroup({ session, group }, context) {
        members(group).add(await sessionOf("AddToGroup", context, session));
        return {};
      },
      async removeFromGroup({ session, group }, context) {
        members(group).delete(await sessionOf("RemoveFromGroup", context, session));
        return {};
      },
    });
  };

  const server = createServer(connectNodeAdapter({ routes }));
  const open = new Set<Http2Session>();
  server.on("session", (session) => {
    open.add(session);
    session.on("error", () => {}).once("close", () => open.delete(session));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, host, resolve);
  });
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    strangers,
    session({ user, room } = { user: "", room: "" }) {
      const session = new ProbeSession(holder, user, room);
      sessions.add(session);
      return session;
    },
    close() {
      for (const session of open) session.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
