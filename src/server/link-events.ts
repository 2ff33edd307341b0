import type { Backend, SessionWatch } from "../backend/index.ts";
import type { ServerState } from "../discovery/index.ts";
import { NanoError, toWireError } from "../error/index.ts";
import type { Frontend } from "../frontend/index.ts";
import type { Interest } from "../group/index.ts";
import type { FrameBody, Link, LinkEvents } from "../link/index.ts";
import type { ClusterCounters } from "../metrics/index.ts";
import type { LinkCalls } from "../remote/index.ts";
import type { Directory, Router } from "../router/index.ts";
import type { Drain } from "./drain.ts";

/** Who hears of links. */
export interface LinkEventsOptions {
  readonly state: () => ServerState;
  readonly drain: Drain;
  readonly counters: Pick<ClusterCounters, "framesRefused">;
  readonly directory: Directory;
  readonly router: Pick<Router, "homeless">;
  readonly interest: Interest;
  readonly frontend: Frontend | undefined;
  readonly backend: Backend;
  readonly watch: SessionWatch | undefined;
  readonly linkCalls: LinkCalls;
}

/** Shares out what comes by links, and tells of their coming and going. */
export function createLinkEvents(options: LinkEventsOptions): LinkEvents {
  const { drain, directory, router, interest, frontend, backend, watch, linkCalls } = options;

  function drains(link: Link, { call, homeless }: Extract<FrameBody, { readonly case: "drain" }>["value"]): void {
    directory.drains(link.peer.incarnation);
    if (homeless) router.homeless(link.peer.incarnation);
    link.answer(call, { case: "body", value: new Uint8Array(0) });
  }

  /** What only frontends do, asked of a server that is none: whoever waits is told. */
  function refuse(link: Link, { value }: FrameBody): void {
    if (!("call" in value) || value.call === 0n) return;
    options.counters.framesRefused.frontend++;
    const none = new NanoError({ code: "unimplemented", message: "nothing that this server does" });
    link.answer(value.call, { case: "error", value: toWireError(none) });
  }

  return {
    opened(link) {
      if (options.state() === "draining") drain.linkOpened(link);
      frontend?.linkOpened(link);
      watch?.linkOpened(link);
    },
    frame(link, body) {
      if (body.case === "interest") {
        if (link.peer.frontend) return interest.heard(link, body.value);
        options.counters.framesRefused.frontend++;
        throw new NanoError({ code: "permission_denied", message: "only frontends have groups" });
      }
      if (body.case === "drain") return drains(link, body.value);
      const taken = frontend?.frame(link, body) || backend.frame(link, body) || watch?.frame(link, body);
      if (!taken && !linkCalls.frame(link, body)) refuse(link, body);
    },
    broken(link) {
      frontend?.linkBroken(link);
      backend.linkBroken(link);
    },
    closed(link) {
      interest.forget(link);
      frontend?.linkClosed(link);
      backend.linkClosed(link);
      watch?.linkClosed(link);
      linkCalls.linkClosed(link);
    },
  };
}
