import type { Message } from "@bufbuild/protobuf";
import type { Client } from "../client/index.ts";
import type { Push } from "../contract/index.ts";
import { ImplementedService, type Service } from "../pipeline/index.ts";
import type { ServerSessionHooks, SessionCore } from "../session/index.ts";
import { messageText } from "./message-text.ts";
import { recordClient } from "./record-client.ts";
import type { Seen, SeenHeard, SeenSession } from "./seen.ts";

/** A push whose messages count themselves. */
export interface NumberedPush {
  readonly route: string;
  place(message: Message, session: string): SeenHeard["place"];
}

/**
 * Says where each message of a push stands: the how many-th of which stream. Within one session the numbers of a stream then come one after the other, none twice
 * and none left out; of `latest` and `droppable` some may be left out.
 *
 * @param place Also given the client's session. Undefined: this one counts for nothing, as before the session was promised all of them.
 */
export function numbered<M extends Message>(
  push: Push<M>,
  place: (message: M, session: string) => { readonly stream: string; readonly number: number } | undefined,
): NumberedPush {
  const { route, delivery = "replay" } = push;
  return {
    route,
    place(message, session) {
      // What comes under the route is the push's message.
      const at = place(message as M, session);
      return at && { ...at, delivery };
    },
  };
}

/** Writes down what is seen, in the order in which it happens. */
export interface Recorder {
  readonly seen: readonly Seen[];
  /** The same client, looked at. */
  client(name: string, client: Client, timeoutMs: number | undefined): Client;
  /** The same service, looked at, while `alive` says so. */
  service(at: RecordedPlace, service: Service): Service;
  /** Hears of the sessions that a server serves. */
  hooks(at: RecordedPlace): ServerSessionHooks;
  crash(at: RecordedPlace): void;
  fault(text: string): void;
}

/** One life of one server, as long as it lasts. */
export interface RecordedPlace {
  readonly server: string;
  readonly life: number;
  readonly alive: boolean;
}

/** Nothing was seen yet. */
export function createRecorder(now: () => number, pushes: readonly NumberedPush[]): Recorder {
  const seen: Seen[] = [];
  const byRoute = new Map(pushes.map((push) => [push.route, push]));
  let calls = 0;
  return {
    seen,
    client: (name, client, timeoutMs) =>
      recordClient(client, timeoutMs, {
        note: (one) => void seen.push({ ...one, atMs: now(), client: name }),
        nextCall: () => ++calls,
        placeOf: (route, message, session) => byRoute.get(route)?.place(message, session),
      }),
    service(at, service) {
      if (!(service instanceof ImplementedService) || service.definition.kind !== "handler") return service;
      return service.heard(({ route, input, order, idempotent = false }, message, { session, attempt }) => {
        if (!at.alive) return;
        const { server, life } = at;
        const run = { route, text: messageText(input, message), serial: order !== "concurrent", idempotent, attempt };
        seen.push({ what: "ran", atMs: now(), server, life, session: session.id, ...run });
      });
    },
    hooks: (at) => ({
      attach(core: SessionCore) {
        const note = (event: SeenSession["event"], reason?: SeenSession["reason"]): void => {
          const { server, life, alive } = at;
          if (alive) seen.push({ what: "session", atMs: now(), server, life, session: core.id, event, reason });
        };
        note("opened");
        core.listen({
          bound: () => note("bound"),
          patched: () => note("patched"),
          paused: () => note("paused"),
          resumed: () => note("resumed"),
          closed: ({ kind }) => note("closed", kind),
        });
      },
    }),
    crash: ({ server, life }) => void seen.push({ what: "crashed", atMs: now(), server, life }),
    fault: (text) => void seen.push({ what: "fault", atMs: now(), text }),
  };
}
