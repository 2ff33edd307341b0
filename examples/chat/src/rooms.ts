import { implement, NanoError, type Service } from "nano-rpc";
import { RoomAdminRemote, RoomHandler, RoomPush } from "../gen/chat/v1/chat_nano.ts";

const maxCharacters = 32;

/** The services of a room server. What they share is in this closure. */
export function chatRooms(): readonly Service[] {
  /** The names in each room, each with the session that has it. */
  const rooms = new Map<string, Map<string, string>>();

  function leave(room: string, name: string): void {
    const members = rooms.get(room);
    if (members?.delete(name) && members.size === 0) rooms.delete(room);
  }

  const room = implement(RoomHandler, {
    async join({ room, name }, ctx) {
      const { session } = ctx;
      checkText("room", room);
      checkText("name", name);
      const members = rooms.get(room) ?? new Map<string, string>();
      const holder = members.get(name);
      if (holder === session.id) return { members: [...members.keys()] };
      if (session.user !== undefined) throw new NanoError({ code: "already_exists", message: "you are in a room already" });
      if (holder !== undefined) throw new NanoError({ code: "already_exists", message: `${name} is in ${room} already` });
      rooms.set(room, members.set(name, session.id));
      try {
        await session.bind(`${room}/${name}`);
        await session.patch({ room });
      } catch (reason) {
        leave(room, name);
        throw reason;
      }
      const group = ctx.group(`room/${room}`);
      session.onClose(() => {
        leave(room, name);
        group.push(RoomPush.left, { name });
      });
      group.push(RoomPush.joined, { name });
      await group.add(session);
      return { members: [...members.keys()] };
    },

    say({ text }, { session, group }) {
      const { room } = session.data;
      group(`room/${room}`).push(RoomPush.said, { name: session.user.slice(room.length + 1), text });
    },
  });

  const admin = implement(RoomAdminRemote, {
    stats: () => ({ rooms: [...rooms].map(([room, members]) => ({ room, members: members.size })) }),
  });

  return [room, admin];
}

function checkText(what: string, text: string): void {
  const { length } = [...text];
  if (length < 1 || length > maxCharacters) {
    throw new NanoError({ code: "invalid_argument", message: `a ${what} has 1 to ${maxCharacters} characters` });
  }
}
