// The chat's server: services with a shared closure, one process, and any split over processes.
import { parseArgs } from "node:util";
import { createServer, etcd, implement, memory, NanoError, type Service, tcp, webSocket } from "nano-rpc";
import { RoomAdminRemote, RoomHandler, RoomPush } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

const maxNameLength = 32;

/** The services of a room server. What they share is in this closure. */
export function chatRooms(): readonly Service[] {
  const rooms = new Map<string, Set<string>>();

  function membersOf(room: string): Set<string> {
    const members = rooms.get(room) ?? new Set();
    rooms.set(room, members);
    return members;
  }

  function leave(room: string, name: string): void {
    const members = rooms.get(room);
    if (members?.delete(name) && members.size === 0) rooms.delete(room);
  }

  const room = implement(RoomHandler, {
    async join({ room, name }, ctx) {
      const { session } = ctx;
      if (name === "" || name.length > maxNameLength) {
        throw new NanoError({ code: "invalid_argument", message: `a name has 1 to ${maxNameLength} characters` });
      }
      const members = membersOf(room);
      if (members.has(name)) throw new NanoError({ code: "already_exists", message: `${name} is in ${room} already` });
      members.add(name);
      try {
        await session.bind(name);
      } catch (reason) {
        leave(room, name);
        throw reason;
      }
      const group = ctx.group(`room/${room}`);
      session.onClose(() => {
        leave(room, name);
        group.push(RoomPush.left, { name });
      });
      await session.patch({ room });
      group.push(RoomPush.joined, { name });
      await group.add(session);
      return { members: [...members] };
    },

    say({ text }, { session, group }) {
      group(`room/${session.data.room}`).push(RoomPush.said, { name: session.user, text });
    },
  });

  const admin = implement(RoomAdminRemote, {
    stats: () => ({ rooms: [...rooms].map(([room, members]) => ({ room, members: members.size })) }),
  });

  return [room, admin];
}

export async function demo(): Promise<void> {
  const server = createServer({ acceptors: [webSocket({ port: 3250 }), tcp({ port: 3251 })], services: chatRooms() });
  await server.start();
  console.log(server.addresses);
}

export async function main(): Promise<void> {
  const { values: flags } = parseArgs({
    options: {
      id: { type: "string", default: "chat-1" },
      roles: { type: "string", default: "gate,room" },
      discovery: { type: "string", default: "memory" },
      prefix: { type: "string", default: "/chat" },
      ws: { type: "string", default: "3250" },
      tcp: { type: "string", default: "3251" },
      cluster: { type: "string", default: "127.0.0.1:0" },
    },
  });
  const roles = new Set(flags.roles.split(","));
  const etcdUrl = /^etcd:\/\/(.+)$/.exec(flags.discovery)?.[1];
  const server = createServer({
    id: flags.id,
    discovery: etcdUrl ? etcd({ endpoints: etcdUrl.split(","), prefix: flags.prefix }) : memory(),
    cluster: { listen: flags.cluster },
    acceptors: roles.has("gate") ? [webSocket({ port: Number(flags.ws) }), tcp({ port: Number(flags.tcp) })] : [],
    services: roles.has("room") ? chatRooms() : [],
  });
  process.once("SIGTERM", () => void server.stop());
  await server.start();
  const portOf = (name: string): number => Number(server.addresses[name]?.split(":").at(-1));
  console.log("ready", JSON.stringify({ id: server.id, roles: [...roles], ws: portOf("ws"), tcp: portOf("tcp") }));
}
