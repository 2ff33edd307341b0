import { type Client, NanoError } from "nano-rpc/client";
import { type ReactNode, useState } from "react";
import type { RoomClient } from "../../chat/gen/chat/v1/chat_client.ts";
import { useClientState } from "./use-client-state.ts";
import { usePush } from "./use-push.ts";

/** One room of the chat. */
export function Room({ client, room }: { readonly client: Client; readonly room: RoomClient }): ReactNode {
  const state = useClientState(client);
  const [lines, setLines] = useState<readonly string[]>([]);
  const add = (line: string): void => setLines((before) => [...before, line]);
  usePush(room.onSaid, ({ name, text }) => add(`${name}: ${text}`));
  usePush(room.onJoined, ({ name }) => add(`${name} came`));
  usePush(room.onLeft, ({ name }) => add(`${name} left`));
  usePush(client.onFailed, ({ message }) => add(`not said: ${message}`));

  function say(form: FormData): void {
    try {
      room.say({ text: String(form.get("text")) });
    } catch (reason) {
      add(`not said: ${NanoError.from(reason).message}`);
    }
  }

  return (
    <main>
      <output>{state.name === "waiting" ? `offline, again in ${state.retryInMs} ms` : state.name}</output>
      <ol>
        {lines.map((line, at) => (
          // Lines are only ever added at the end.
          // biome-ignore lint/suspicious/noArrayIndexKey: see above
          <li key={at}>{line}</li>
        ))}
      </ol>
      <form action={say}>
        <input name="text" aria-label="Say something" autoComplete="off" required />
        <button type="submit">Say</button>
      </form>
    </main>
  );
}
