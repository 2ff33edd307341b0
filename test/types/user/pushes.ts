// Two verbs, four targets.
import type { Cluster, Session } from "nano-rpc";
import { RoomPush } from "../../../examples/chat/gen/chat/v1/chat_nano.ts";

export async function pushes(cluster: Cluster, session: Session): Promise<void> {
  session.push(RoomPush.said, { name: "gate", text: "hello" });
  cluster.group("room/lobby").push(RoomPush.said, { name: "ann", text: "hi all" });
  cluster.group("room/lobby").push(RoomPush.said, { name: "ann", text: "hi others" }, { except: session });
  cluster.group("lobby", { type: "room" }).push(RoomPush.said, { name: "ann", text: "hi others" }, { except: [session] });
  const unheard = await cluster.group("room/lobby").deliver(RoomPush.left, { name: "cyd" });
  const { missed } = await cluster.users("ann", "bob").deliver(RoomPush.left, { name: "cyd" });
  await cluster.users(...missed, ...unheard.missed).kick({ code: "aborted", reason: "room closed" });

  const guild = cluster.userGroup("guild/7", { ttlMs: 86_400_000 });
  await guild.add("ann", "bob");
  await guild.push(RoomPush.said, { name: "guild", text: "raid at nine" }, { except: "bob" });
}
