import type { Call, End, Forward } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock, DeadlineSweep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import { type FrameBody, type Link, type Outcome, type Peer, toBigint, toNumber } from "../link/index.ts";
import type { Http2Caller } from "../net/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { callHeaders } from "./grpc.ts";
import { type PlainCall, PlainCalls } from "./plain-calls.ts";
import { PlainSession } from "./plain-session.ts";
import { SessionNews } from "./session-news.ts";

/** What a server that is called plainly is called by. */
export interface PlainLinkOptions {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly deadlines: DeadlineSweep;
  /** What every call shows. */
  readonly authorization: Readonly<Record<string, string>>;
  /** What the server knows of a route. */
  readonly routeOf: (route: string) => RouteInfo | undefined;
  /** A connection to it: the one that is there, or another. */
  readonly connect: () => Promise<unknown>;
}

const maxHeaderBytes = 4_096;

/**
 * A server that takes plain calls, as what asks servers sees it: a link on which a forward is a call with the session in its header, and the end
 * of a session is a call of its events. It outlives its connection, as long as the cluster lists the server.
 */
export class PlainLink implements Link {
  readonly peer: Peer;
  readonly dialed = true;
  readonly broken = false;

  readonly #options: PlainLinkOptions;
  readonly #calls: PlainCalls;
  readonly #news: SessionNews;
  readonly #sessions = new Map<number, PlainSession>();
  #closed = false;

  constructor(options: PlainLinkOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.#calls = new PlainCalls(options.peer, options.deadlines);
    this.#news = new SessionNews({
      ...{ clock: options.clock, connect: options.connect, calls: this.#calls },
      headers: (deadlineMs) => this.#headers(undefined, deadlineMs),
      closed: () => this.#closed,
    });
  }

  get closed(): boolean {
    return this.#closed;
  }
  get counters(): Link["counters"] {
    return this.#calls.counters;
  }
  /** The connection that calls go by. */
  get caller(): Http2Caller | undefined {
    return this.#calls.caller;
  }
  set caller(caller: Http2Caller) {
    this.#calls.caller = caller;
  }
  get carries(): boolean {
    return this.#sessions.size > 0;
  }
  get load(): number {
    return this.#calls.running;
  }
  /** Whether a call would be sent at once. */
  get open(): boolean {
    return !this.#closed && this.caller?.open === true;
  }
  /** Whether somebody waits for what the server says. */
  get waits(): boolean {
    return this.#calls.running > 0;
  }

  send(body: FrameBody): void {
    switch (body.case) {
      case "open":
        this.#sessions.set(body.value.handle, new PlainSession(body.value));
        break;
      case "patch": {
        const session = this.#sessions.get(body.value.handle);
        session?.patch(body.value);
        if (session && body.value.user) this.#news.bound(session);
        break;
      }
      case "end":
        void this.#end(body.value);
        break;
      default:
        // It hears of no groups, and asks every frontend: whoever waits need not.
        if ("call" in body.value) this.#calls.settle(toNumber(body.value.call), nothing);
    }
  }

  sendData(body: FrameBody): void {
    if (this.#closed) throw unavailable("the link is closed");
    if (body.case === "forward" || body.case === "call") this.#calls.spend(toNumber(body.value.call), body.value.body.length);
    if (body.case === "forward") this.#forward(body.value);
    else if (body.case === "call") this.#call(body.value);
    else throw new NanoError({ code: "unimplemented", message: `${this.peer.id} takes no pushes` });
  }

  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint {
    const call = this.#calls.expect(deadlineMs, settle);
    if (this.#closed) queueMicrotask(() => this.#calls.settle(call, unavailable("the link is closed")));
    return toBigint(call);
  }

  cancel(call: bigint, reason: NanoError): void {
    this.#calls.cancel(toNumber(call), reason);
  }

  forget(call: bigint, reason: NanoError): void {
    this.#calls.settle(toNumber(call), reason);
  }

  /** It asks nothing on the link. */
  answer(): void {}

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sessions.clear();
    this.#calls.close(unavailable(reason));
  }

  #call({ call, route, body, envelope }: Call): void {
    const info = this.#info(route);
    const deadlineMs = this.#deadline(envelope?.remainingMs);
    this.#calls.send({ call: toNumber(call), path: info.path, body, headers: () => this.#headers(envelope, deadlineMs) });
  }

  #forward({ call, handle, route, body, envelope }: Forward): void {
    const info = this.#info(route);
    const session = this.#sessions.get(handle);
    if (!session) throw new NanoError({ code: "internal", message: "a forward of no session" });
    const deadlineMs = this.#deadline(envelope?.remainingMs);
    const headers = (): Record<string, string> => {
      const header = session.header;
      if (header.length > maxHeaderBytes)
        throw new NanoError({ code: "resource_exhausted", message: "the session is too large to be sent" });
      return { ...this.#headers(envelope, deadlineMs), "nano-session-bin": header };
    };
    const plain: PlainCall = { call: toNumber(call), path: info.path, body, headers };
    if (info.policy.order === "concurrent") this.#calls.send(plain);
    else session.take({ begin: (over) => this.#calls.send({ ...plain, over }) });
  }

  async #end({ handle, reason, call }: End): Promise<void> {
    const session = this.#sessions.get(handle);
    this.#sessions.delete(handle);
    if (session) await this.#news.ended(session, reason);
    this.#calls.settle(toNumber(call), nothing);
  }

  #headers(envelope: Call["envelope"], deadlineMs: number): Record<string, string> {
    const { hops = 0, attempt = 0, traceparent = "", tracestate = "" } = envelope ?? {};
    return {
      ...this.#options.authorization,
      ...callHeaders({ hops, attempt, traceparent, tracestate }, deadlineMs - this.#options.clock.now()),
    };
  }

  #info(route: string): RouteInfo {
    const info = this.#options.routeOf(route);
    if (info) return info;
    throw new NanoError({ code: "unimplemented", message: `${this.peer.id} does not answer ${route}` });
  }

  #deadline(remainingMs = 0): number {
    return this.#options.clock.now() + remainingMs;
  }
}

/** What a server says that has nothing to say. */
const nothing: Outcome = { case: "body", value: new Uint8Array(0) };

function unavailable(message: string): NanoError {
  return new NanoError({ code: "unavailable", message });
}
