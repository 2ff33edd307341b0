import { create } from "@bufbuild/protobuf";
import { type RelayBytes, type Relay as RelayFrame, RelaySchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { AcceptedSocket, SocketEvents } from "../acceptor/index.ts";
import { type Clock, sleep, within } from "../clock/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError, toWireError } from "../error/index.ts";
import { ask, type FrameBody, type Link } from "../link/index.ts";
import { type ClusterCounters, isResetReason, type ResetReason } from "../metrics/index.ts";
import type { Directory } from "../router/index.ts";
import { Relay } from "./relay.ts";
import { type RelayEnd, type RelayedBytes, type RelayName, RelayWindow } from "./relay-window.ts";
import { RelayedSocket } from "./relayed-socket.ts";
import type { FindReturning } from "./returning.ts";
import type { Ticket } from "./ticket.ts";

/** Clients that came back to another frontend than the one that has their session. */
export interface Relays {
  /** Those whose sockets are here, by names of their own. */
  readonly clients: ReadonlyMap<string, Relay>;
  /** A way to the frontend that has the session; or why the client gets a new one. Never rejects. */
  open(ticket: string, to: Ticket["incarnation"], remoteAddress: string): Promise<Relay | ResetReason | "drains">;
  /** Takes a frame if it is one of these. */
  frame(link: Link, body: FrameBody): boolean;
  /** What was under way on a link is lost. */
  broken(link: Link): void;
}

/** What they stand on. */
export interface RelaysOptions {
  readonly clock: Clock;
  readonly directory: Pick<Directory, "byIncarnation">;
  readonly linkTo: (server: ServerInfo) => Promise<Link>;
  /** Finds sessions that are here. */
  readonly returning: FindReturning;
  readonly isOpen: () => boolean;
  readonly accept: (socket: AcceptedSocket) => SocketEvents;
  /** Where frames of other servers that were refused are counted. */
  readonly counters: Pick<ClusterCounters, "framesRefused">;
}

// How long a client waits for the frontend that has its session before it gets a new one.
const answerMs = 2_000;
// Before a frontend that could not be asked is asked again.
const pauseMs = 100;

/** What one link carries: ends by relay, of both kinds. */
interface OnLink {
  readonly clients: Map<bigint, { readonly end: RelayEnd; readonly window: RelayWindow }>;
  readonly sockets: Map<bigint, { readonly end: RelayEnd; readonly window: RelayWindow }>;
  readonly underway: RelayedBytes;
}

/** None yet. */
export function createRelays(options: RelaysOptions): Relays {
  const { clock, counters } = options;
  const clients = new Map<string, Relay>();
  const links = new Map<Link, OnLink>();
  let last = 0n;

  function on(link: Link): OnLink {
    const carried = links.get(link) ?? { clients: new Map(), sockets: new Map(), underway: { bytes: 0 } };
    links.set(link, carried);
    return carried;
  }

  function place<E extends RelayEnd>(link: Link, name: RelayName, make: (window: RelayWindow) => E, left: () => void): E {
    const carried = on(link);
    const ends = name.client ? carried.clients : carried.sockets;
    const window = new RelayWindow(link, name, carried.underway, () => {
      ends.delete(name.relay);
      left();
    });
    const end = make(window);
    ends.set(name.relay, { end, window });
    return end;
  }

  async function dial(
    server: ServerInfo,
    ticket: string,
    remoteAddress: string,
    untilMs: number,
  ): Promise<Relay | ResetReason | "drains"> {
    const link = await options.linkTo(server);
    if (clock.now() >= untilMs) return "frontend";
    const relay = ++last;
    const key = String(relay);
    const made = place(
      link,
      { relay, client: true },
      (window) => new Relay(window),
      () => clients.delete(key),
    );
    clients.set(key, made);
    try {
      const outcome = await ask(link, untilMs, (call) =>
        link.send({ case: "relay", value: create(RelaySchema, { call, relay, ticket, remoteAddress }) }),
      );
      const why = outcome.case === "body" ? Buffer.from(outcome.value).toString() : "frontend";
      // The own server may have begun to stop, and let all go.
      if (why === "" && clients.has(key)) return made;
      made.close();
      return isResetReason(why) ? why : "frontend";
    } catch (reason) {
      made.close();
      if (NanoError.from(reason).code === "aborted") return "drains";
      throw reason;
    }
  }

  function refuse(link: Link, call: bigint, error: NanoError): void {
    link.answer(call, { case: "error", value: toWireError(error) });
  }

  /** A client of another frontend comes back to a session here. */
  function take(link: Link, { call, relay, ticket, remoteAddress }: RelayFrame): void {
    if (!options.isOpen()) return refuse(link, call, new NanoError({ code: "aborted", message: "this frontend drains" }));
    const found = options.returning(ticket);
    const why = "reset" in found ? found.reset : "";
    link.answer(call, { case: "body", value: Buffer.from(why) });
    if (why !== "" || on(link).sockets.has(relay)) return;
    const make = (window: RelayWindow): RelayedSocket => new RelayedSocket(remoteAddress, window);
    const socket = place(link, { relay, client: false }, make, () => {});
    socket.events = options.accept(socket);
  }

  function hand(link: Link, frame: RelayBytes): void {
    const ends = frame.client ? links.get(link)?.sockets : links.get(link)?.clients;
    const found = ends?.get(frame.relay);
    // It is over at this side, which has said so.
    if (!found) return;
    found.window.came(frame);
    found.end.take(frame);
    if (frame.taken > 0n) found.end.drained?.();
  }

  return {
    clients,
    async open(ticket, to, remoteAddress) {
      const server = options.directory.byIncarnation(to);
      if (!server?.frontend || !options.isOpen()) return "frontend";
      if (server.state === "draining") return "drains";
      const untilMs = clock.now() + answerMs;
      const ask = (): Promise<Relay | ResetReason | "drains"> => dial(server, ticket, remoteAddress, untilMs);
      // The link may have broken meanwhile, and the other be there all the same. Where it is not, that is known as soon as it is dialed.
      const again = (): Promise<Relay | ResetReason | "drains"> => sleep(clock, pauseMs).then(ask);
      const dialed = ask()
        .catch(again)
        .catch(again)
        .catch((): ResetReason => "frontend");
      return within<Relay | ResetReason | "drains", ResetReason>(clock, answerMs, dialed, () => "frontend");
    },
    frame(link, body) {
      if (body.case !== "relay" && body.case !== "relayBytes") return false;
      if (!link.peer.frontend) {
        counters.framesRefused.frontend++;
        const only = new NanoError({ code: "permission_denied", message: "only frontends have clients" });
        if (body.case === "relay") refuse(link, body.value.call, only);
      } else if (body.case === "relay") take(link, body.value);
      else hand(link, body.value);
      return true;
    },
    broken(link) {
      const carried = links.get(link);
      links.delete(link);
      for (const ends of [carried?.clients, carried?.sockets]) for (const { end } of [...(ends?.values() ?? [])]) end.broken();
    },
  };
}
