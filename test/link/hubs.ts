import { type Clock, createVirtualClock, seededRandom, type VirtualClock } from "../../src/clock/index.ts";
import type { ServerInfo } from "../../src/discovery/index.ts";
import { NanoError } from "../../src/error/index.ts";
import {
  createLinkHub,
  createLinkTransport,
  type FrameBody,
  type Link,
  type LinkHub,
  type LinkTransport,
  type Roles,
} from "../../src/link/index.ts";
import type { ClusterCounters } from "../../src/metrics/index.ts";
import { createMemoryNet, type MemoryNet } from "../../src/net/index.ts";
import { createVirtualTime, type VirtualTime } from "../../src/testing/virtual-time.ts";
import { RawLink } from "./raw-link.ts";

/** How a hub of a test differs from the default. */
interface HubOptions {
  readonly tokens?: readonly string[];
  readonly frontend?: boolean;
  readonly clock?: Clock;
  /** Who is believed to be what. The default is everybody. */
  readonly roles?: Roles;
  readonly counters?: ClusterCounters;
  /** What it does with frames that are not the link's own. */
  readonly frame?: (link: Link, body: FrameBody) => void;
}

/** A hub, and what happened to its links. */
export interface TestHub {
  readonly hub: LinkHub;
  readonly info: ServerInfo;
  readonly opened: Link[];
  readonly broken: { readonly link: Link; readonly error: NanoError }[];
  readonly closed: { readonly link: Link; readonly error: NanoError }[];
  readonly frames: { readonly link: Link; readonly body: FrameBody }[];
  /** Why links were refused here. */
  readonly refused: { readonly code: string; readonly why: string }[];
}

/** Hubs and raw links on one network in memory, on virtual time. */
export interface Hubs extends Pick<VirtualTime, "settle" | "advance" | "drive"> {
  readonly clock: VirtualClock;
  readonly net: MemoryNet;
  /** A hub that listens. */
  hub(id: string, incarnation: bigint, options?: HubOptions): Promise<TestHub>;
  /** Opens a stream to a hub, and says nothing yet. */
  raw(to: TestHub): Promise<RawLink>;
  /** Something that is dialed, and answers nothing. Every stream that came is in the list. */
  listen(host?: string): Promise<{ readonly address: string; readonly came: readonly RawLink[] }>;
}

/** What the cluster would know of a server. */
export function serverInfo(id: string, incarnation: bigint, ...addresses: string[]): ServerInfo {
  return {
    id,
    incarnation,
    types: ["play"],
    version: "",
    frontend: false,
    addresses,
    state: "ready",
    protocol: 1,
    schema: "",
    metadata: {},
  };
}

/** An empty network at time 0. */
export function createHubs(options: { readonly latencyMs?: number } = {}): Hubs {
  const clock = createVirtualClock();
  const net = createMemoryNet({ clock, ...options });
  const time = createVirtualTime(clock, () => net.arriving);
  const transport = (host: string): LinkTransport =>
    createLinkTransport(net.as(host), { authorize: () => true, other: () => {} });

  return {
    clock,
    net,
    ...time,
    async hub(id, incarnation, { tokens = [], frontend = false, frame, clock: ownClock, ...own } = {}) {
      const opened: Link[] = [];
      const broken: TestHub["broken"] = [];
      const closed: TestHub["closed"] = [];
      const frames: TestHub["frames"] = [];
      const refused: TestHub["refused"] = [];
      const quiet = (): void => {};
      const hub = createLinkHub({
        self: () => ({ id, incarnation, types: ["play"], frontend, schema: "" }),
        transport: transport(id),
        ...own,
        clock: ownClock ?? clock,
        random: seededRandom(Number(incarnation)),
        log: {
          debug: quiet,
          info: quiet,
          error: quiet,
          warn: (fields) => {
            if ("code" in fields && "why" in fields) refused.push({ code: String(fields.code), why: String(fields.why) });
          },
        },
        tokens,
        load: () => 0,
        events: {
          opened: (link) => void opened.push(link),
          frame(link, body) {
            frames.push({ link, body });
            frame?.(link, body);
          },
          broken: (link, error) => void broken.push({ link, error }),
          closed: (link, error) => void closed.push({ link, error }),
        },
      });
      const address = await hub.start({ host: "127.0.0.1", port: 0 });
      return { hub, info: { ...serverInfo(id, incarnation, address), frontend }, opened, broken, closed, frames, refused };
    },
    async raw(to) {
      const raw = new RawLink();
      const [address = ""] = to.info.addresses;
      raw.stream = await time.drive(transport("raw").dial(address, raw.events, new AbortController().signal));
      return raw;
    },
    async listen(host = "raw") {
      const came: RawLink[] = [];
      const { port } = await transport(host).listen({ host: "127.0.0.1", port: 0 }, (stream) => {
        const raw = new RawLink();
        raw.stream = stream;
        came.push(raw);
        return raw.events;
      });
      return { address: `127.0.0.1:${port}`, came };
    },
  };
}

/** What an error says: its code, its message, and the cause, which clients are not told. */
export function whyNot(reason: unknown): string {
  const { code, message, cause } = NanoError.from(reason);
  return `${code}: ${message}${cause instanceof Error ? `: ${cause.message}` : ""}`;
}
