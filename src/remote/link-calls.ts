import type { Call } from "../../gen/nano/cluster/v1/link_pb.ts";
import { NanoError } from "../error/index.ts";
import type { FrameBody, Link } from "../link/index.ts";
import { failureOutcome } from "../router/index.ts";
import type { Remotes } from "./remotes.ts";

/** Answers the calls that come over links. */
export interface LinkCalls {
  /** Takes a frame if it is one of its own. */
  frame(link: Link, body: FrameBody): boolean;
  linkClosed(link: Link): void;
}

/** @param now On the server's clock. */
export function createLinkCalls(options: { readonly remotes: Remotes; readonly now: () => number }): LinkCalls {
  const running = new Map<Link, Map<bigint, (reason: NanoError) => void>>();

  function call(link: Link, frame: Call): void {
    const { envelope } = frame;
    const ofLink = running.get(link) ?? new Map<bigint, (reason: NanoError) => void>();
    running.set(link, ofLink);
    let over = false;
    const breakOff = options.remotes.dispatch(
      frame.route,
      frame.body,
      link.peer,
      {
        deadlineMs: options.now() + (envelope?.remainingMs ?? 0),
        hops: envelope?.hops ?? 0,
        traceparent: envelope?.traceparent ?? "",
        tracestate: envelope?.tracestate ?? "",
        attempt: envelope?.attempt ?? 0,
      },
      {
        answered(body) {
          over = true;
          ofLink.delete(frame.call);
          link.answer(frame.call, { case: "body", value: body });
        },
        failed(reason) {
          over = true;
          ofLink.delete(frame.call);
          link.answer(frame.call, failureOutcome(reason));
        },
      },
    );
    if (!over) ofLink.set(frame.call, breakOff);
  }

  return {
    frame(link, body) {
      if (body.case === "call") {
        call(link, body.value);
        return true;
      }
      if (body.case !== "cancel") return false;
      running.get(link)?.get(body.value.call)?.(new NanoError({ code: "canceled", message: "the caller gave up" }));
      return true;
    },
    linkClosed(link) {
      // Nobody hears their answers any more; what they began is theirs to finish.
      running.delete(link);
    },
  };
}
