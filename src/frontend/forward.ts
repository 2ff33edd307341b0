import { NanoError } from "../error/index.ts";
import type { Breakable } from "../handler/index.ts";
import { forwardBody, type Link } from "../link/index.ts";
import { createCallSeconds, type Distribution, type FrontendCounters, type Stage } from "../metrics/index.ts";
import { WrongServer } from "../router/index.ts";
import type { CallSpan } from "../tracing/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { DispatchHost } from "./dispatch-host.ts";
import type { Incoming } from "./incoming.ts";

/** What hears how a forwarded message fared. */
export interface ForwardOutlet {
  /** It is about to be sent, and can be broken off from now on. */
  sent(incoming: Incoming, call: Breakable): void;
  answered(incoming: Incoming, body: Uint8Array): void;
  /** @param begun Whether the server may have begun with it. */
  failed(incoming: Incoming, reason: unknown, stage: Stage, begun: boolean): void;
}

/** Sends a session's message over a link, once. */
export function forward(
  incoming: Incoming,
  link: Link,
  session: ClientSession,
  host: Pick<DispatchHost, "peers" | "now" | "counters" | "tracing">,
  outlet: ForwardOutlet,
): void {
  const { message, known, body, deadlineMs, attempt, span } = incoming;
  const { peers, now, counters, tracing } = host;
  // The way over a link, in the trace of its message.
  const hop: CallSpan | undefined = span && tracing?.forwarding(known.info.path.slice(1), span);
  const sentMs = now();
  let begun = true;
  const call = link.expect(deadlineMs, (outcome) => {
    hop?.end(outcome instanceof NanoError ? outcome : undefined);
    forwardSeconds(counters, known.info.route).observe((now() - sentMs) / 1_000);
    if (outcome instanceof NanoError) outlet.failed(incoming, outcome, "handler", begun);
    else if (outcome.case === "body") outlet.answered(incoming, outcome.value);
    else if (outcome.case === "wrongServer") outlet.failed(incoming, new WrongServer(outcome.value), "route", false);
    else outlet.failed(incoming, new NanoError({ code: "internal", message: "the answer makes no sense" }), "after", true);
  });
  const envelope = { remainingMs: Math.max(1, Math.floor(deadlineMs - sentMs)), attempt };
  const place = hop ?? span;
  outlet.sent(incoming, { breakOff: (reason) => link.cancel(call, reason) });
  try {
    link.sendData(
      forwardBody({
        call,
        handle: peers.handleOn(link, session),
        route: known.info.route,
        body,
        notify: message.kind === "notify",
        version: session.version,
        envelope: place ? { ...envelope, traceparent: place.traceparent, tracestate: place.tracestate } : envelope,
      }),
    );
  } catch (reason) {
    begun = false;
    link.forget(call, NanoError.from(reason));
  }
}

function forwardSeconds({ forwards }: FrontendCounters, route: string): Distribution {
  let seconds = forwards.get(route);
  if (!seconds) {
    seconds = createCallSeconds();
    forwards.set(route, seconds);
  }
  return seconds;
}
