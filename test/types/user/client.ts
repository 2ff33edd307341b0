// A client: state, requests with both ways to fail, notifies, pushes.
import { createClient, NanoError, next, webSocket } from "nano-rpc/client";
import { tcp } from "nano-rpc/client/tcp";
import { RoomClient } from "../../../examples/chat/gen/chat/v1/chat_client.ts";
import { LoginClient } from "../../schema/gen/game/v1/game_client.ts";

declare function show(line: string): void;

export async function browser(): Promise<void> {
  const client = createClient({ transport: webSocket("ws://127.0.0.1:3250") });
  const room = client.service(RoomClient);

  // Pushes: many listeners, each removable, by its return value or by a signal.
  const leaving = new AbortController();
  room.onSaid(({ name, text }) => show(`${name}: ${text}`), { signal: leaving.signal });
  const off = room.onJoined(({ name }) => show(`${name} came`));
  off();

  // State, for a UI.
  client.onState((state) => {
    switch (state.name) {
      case "idle":
        return;
      case "connecting":
        return show(`connecting, attempt ${state.attempt}`);
      case "waiting":
        return show(`offline (${state.error.code}), again in ${state.retryInMs} ms`);
      case "closed":
        return show(`closed: ${state.reason.message}`);
      case "open":
        return show(state.via === "resume" ? "back, nothing was lost" : "online");
      default:
        return state satisfies never;
    }
  });
  // The history is gone: log in again.
  client.onReset(() => room.join({ room: "lobby", name: "ann" }));

  await client.connect({ signal: AbortSignal.timeout(5_000) });

  // A request: await it, and it throws a NanoError.
  try {
    const { members } = await room.join({ room: "lobby", name: "ann" }, { signal: leaving.signal, timeoutMs: 2_000 });
    show(members.join(", "));
  } catch (reason) {
    const error = NanoError.from(reason);
    show(error.retryable ? "try again" : error.message);
  }

  // Or ask for the result: it never throws, and its errors are a union.
  const joined = await room.join({ room: "lobby", name: "ann" }).result();
  if (joined.ok) show(joined.value.members.join(", "));
  else if (!joined.error.declared) show(`${joined.error.code}: ${joined.error.message}`);
  else {
    switch (joined.error.code) {
      case "already_exists":
        show("this name is taken");
        break;
      case "invalid_argument":
        show("choose another name");
        break;
      default:
        joined.error satisfies never;
    }
  }

  const login = await client.service(LoginClient).login({ token: "t" }).result();
  if (!login.ok && login.error.declared && login.error.code === "permission_denied") {
    show(`banned until ${login.error.detail.untilMs}: ${login.error.detail.reason}`);
  }

  // A notify: told, in order, kept over a reconnect.
  room.say({ text: "hello" });
  const answer = await next(room.onSaid, { where: ({ name }) => name !== "ann", timeoutMs: 1_000 });
  show(answer.text);
  await client.close();
}

export async function node(): Promise<void> {
  const client = createClient({ transport: tcp({ host: "127.0.0.1", port: 3251 }), encoding: "json" });
  await client.connect();
  const { members } = await client.service(RoomClient).join({ room: "lobby", name: "ann" });
  console.log(members);
}
