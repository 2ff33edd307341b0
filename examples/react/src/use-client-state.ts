import type { Client, ClientState } from "nano-rpc/client";
import { useSyncExternalStore } from "react";

/** How a client stands with its server; the component is drawn anew whenever that changes. */
export function useClientState(client: Client): ClientState {
  return useSyncExternalStore(
    (changed) => client.onState(changed),
    () => client.state,
  );
}
