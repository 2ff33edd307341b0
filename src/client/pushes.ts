import type { Message } from "@bufbuild/protobuf";
import type { Codec, Listen } from "../contract/index.ts";
import { Listeners } from "./listeners.ts";

/** Who listens to which push. */
export interface Pushes {
  listen<M extends Message>(route: string, codec: Codec<M>): Listen<M>;
  /** Tells those who listen to a route. @param read Reads the message, once for each codec that has listeners. */
  deliver(route: string, read: (codec: Codec<Message>) => Message): void;
}

/** @param failed Hears what a listener threw. */
export function createPushes(failed: (reason: unknown) => void): Pushes {
  const routes = new Map<string, { readonly codec: Codec<Message>; readonly listeners: Listeners<[Message]> }[]>();
  return {
    listen<M extends Message>(route: string, codec: Codec<M>): Listen<M> {
      const listeners = new Listeners<[M]>(failed);
      // A push is read by the codec that stands beside its listeners.
      const entry = {
        codec: codec as Codec<Message>,
        listeners: listeners as Listeners<readonly unknown[]> as Listeners<[Message]>,
      };
      routes.set(route, [...(routes.get(route) ?? []), entry]);
      return (listener, options) => listeners.add(listener, options);
    },
    deliver(route, read) {
      for (const { codec, listeners } of routes.get(route) ?? []) if (listeners.size > 0) listeners.tell(read(codec));
    },
  };
}
