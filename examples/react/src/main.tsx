// The chat's room in React. The page's address says where: ?ws=3250&room=lobby&name=ann
import { createClient, NanoError, webSocket } from "nano-rpc/client";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { RoomClient } from "../../chat/gen/chat/v1/chat_client.ts";
import { Room } from "./room.tsx";

const asked = new URLSearchParams(location.search);
const who = { room: asked.get("room") ?? "lobby", name: asked.get("name") ?? "somebody" };
// Clients live beside the components: a drawing anew opens no connection.
const client = createClient({ transport: webSocket(`ws://${location.hostname}:${asked.get("ws") ?? 3250}`) });
const room = client.service(RoomClient);
const join = async (): Promise<void> => void (await room.join(who));
client.onReset(join);
// Who reloads the page is somebody new: without a goodbye the room would keep the name for the one who was there before, for 30 s.
addEventListener("pagehide", () => void client.close());
const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
const page = createRoot(root);
page.render(
  <StrictMode>
    <Room client={client} room={room} />
  </StrictMode>,
);
await client.connect();
try {
  await join();
} catch (reason) {
  await client.close();
  page.render(<p role="alert">{NanoError.from(reason).message}</p>);
}
