// Remotes: by the schema's rule, by key, by server, and all of a type.
import { type Cluster, implement, type Service } from "nano-rpc";
import { RoomAdminRemote } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";
import { WorldAdminRemote } from "../../schema/gen/game/v1/game_nano.ts";

export const worlds: Service = implement(WorldAdminRemote, {
  close({ worldId }, { caller, log }) {
    log.info({ worldId, caller: caller.id }, "closed");
    return {};
  },
});

export async function callers(cluster: Cluster): Promise<number> {
  // The schema's rule: `close` has `key: "world_id"`, so it finds its owner itself; `stats` goes to any.
  await cluster.remote(WorldAdminRemote).close({ worldId: "w1" }, { timeoutMs: 500 });
  await cluster.remote(RoomAdminRemote).stats({});
  // Another rule, for one caller.
  await cluster.remote(RoomAdminRemote, { key: "lobby" }).stats({});
  await cluster.remote(RoomAdminRemote, { server: "room-2" }).stats({});
  // Everyone, with an answer or a failure of each.
  let members = 0;
  for (const answer of await cluster.remoteAll(RoomAdminRemote).stats({}, { timeoutMs: 1_000 })) {
    if (answer.ok) members += answer.value.rooms.reduce((sum, room) => sum + room.members, 0);
    else console.warn(`${answer.server.id}: ${answer.error.code}`);
  }
  return members;
}
