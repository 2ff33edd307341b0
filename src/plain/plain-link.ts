import { create, toBinary } from "@bufbuild/protobuf";
import type { Call, End, Forward, Patch } from "../../gen/nano/cluster/v1/link_pb.ts";
import { BoundRequestSchema, ClosedRequestSchema } from "../../gen/nano/cluster/v1/session_pb.ts";
import type { Clock, DeadlineSweep } from "../clock/index.ts";
import { NanoError } from "../error/index.ts";
import {
  createLinkCounters,
  type FrameBody,
  type Link,
  type Outcome,
  type Peer,
  PendingCalls,
  toBigint,
  toNumber,
} from "../link/index.ts";
import type { Http2Caller } from "../net/index.ts";
import type { RouteInfo } from "../route/index.ts";
import { callHeaders, readGrpc, toGrpc } from "./grpc.ts";
import { PlainSession } from "./plain-session.ts";

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

interface Request {
  readonly call: number;
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers: () => Record<string, string>;
  /** Whatever became of it. */
  readonly over?: () => void;
}

const boundPath = "/nano.cluster.v1.SessionEventsService/Bound";
const closedPath = "/nano.cluster.v1.SessionEventsService/Closed";
const maxAnswerBytes = 1_048_576;
const maxHeaderBytes = 4_096;
// As much as a link takes: whoever is slow must not fill this server with what waits for it.
const windowBytes = 4 * 1_024 * 1_024;
// The session's next message waits for it.
const boundTimeoutMs = 2_000;
const endTimeoutMs = 5_000;
const endAgainMs = 200;

/**
 * A server that takes plain calls, as what asks servers sees it: a link on which a forward is a call with the session in its header, and the end
 * of a session is a call of its events. It outlives its connection, as long as the cluster lists the server.
 */
export class PlainLink implements Link {
  readonly peer: Peer;
  readonly dialed = true;
  readonly broken = false;
  readonly counters = createLinkCounters();
  caller: Http2Caller | undefined;

  readonly #options: PlainLinkOptions;
  readonly #calls: PendingCalls;
  readonly #sessions = new Map<number, PlainSession>();
  readonly #running = new Map<number, () => void>();
  // What calls carry until they are over, those included that wait for their turn.
  readonly #costs = new Map<number, number>();
  #underway = 0;
  // Whether the server wants to hear that sessions are over, and whose they are.
  #hears = true;
  #hearsOfUsers = true;
  #closed = false;

  constructor(options: PlainLinkOptions) {
    this.#options = options;
    this.peer = options.peer;
    this.#calls = new PendingCalls(options.deadlines, (call) => this.#breakOff(call));
  }

  get closed(): boolean {
    return this.#closed;
  }
  get carries(): boolean {
    return this.#sessions.size > 0;
  }
  get load(): number {
    return this.#running.size;
  }
  /** Whether a call would be sent at once. */
  get open(): boolean {
    return !this.#closed && this.caller?.open === true;
  }
  /** Whether somebody waits for what the server says. */
  get waits(): boolean {
    return this.#running.size > 0;
  }

  send(body: FrameBody): void {
    switch (body.case) {
      case "open":
        this.#sessions.set(body.value.handle, new PlainSession(body.value));
        break;
      case "patch":
        this.#patch(body.value);
        break;
      case "end":
        void this.#end(body.value);
        break;
      default:
        // It hears of no groups, and asks every frontend: whoever waits need not.
        if ("call" in body.value) this.#settle(toNumber(body.value.call), { case: "body", value: new Uint8Array(0) });
    }
  }

  sendData(body: FrameBody): void {
    if (this.#closed) throw unavailable("the link is closed");
    if (body.case === "forward" || body.case === "call") this.#spend(body.value);
    if (body.case === "forward") this.#forward(body.value);
    else if (body.case === "call") this.#call(body.value);
    else throw new NanoError({ code: "unimplemented", message: `${this.peer.id} takes no pushes` });
  }

  expect(deadlineMs: number, settle: (outcome: Outcome | NanoError) => void): bigint {
    const call: number = this.#calls.add(deadlineMs, (outcome) => {
      this.#underway -= this.#costs.get(call) ?? 0;
      this.#costs.delete(call);
      settle(outcome);
    });
    if (this.#closed) queueMicrotask(() => this.#calls.settle(call, unavailable("the link is closed")));
    return toBigint(call);
  }

  cancel(call: bigint, reason: NanoError): void {
    if (this.#calls.settle(toNumber(call), reason)) this.#breakOff(toNumber(call));
  }

  forget(call: bigint, reason: NanoError): void {
    this.#calls.settle(toNumber(call), reason);
  }

  /** It asks nothing on the link. */
  answer(): void {}

  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.caller?.destroy();
    this.#sessions.clear();
    this.#calls.fail(unavailable(reason), true);
  }

  #spend({ call, body }: Forward | Call): void {
    if (this.#underway + body.length > windowBytes) {
      this.counters.refused++;
      throw new NanoError({ code: "resource_exhausted", message: `the link to ${this.peer.id} is full` });
    }
    this.#underway += body.length;
    this.#costs.set(toNumber(call), body.length);
  }

  #call({ call, route, body, envelope }: Call): void {
    const info = this.#info(route);
    const deadlineMs = this.#deadline(envelope?.remainingMs);
    this.#request({ call: toNumber(call), path: info.path, body, headers: () => this.#headers(envelope, deadlineMs) });
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
    const request: Request = { call: toNumber(call), path: info.path, body, headers };
    if (info.policy.order === "concurrent") this.#request(request);
    else session.take({ begin: (over) => this.#request({ ...request, over }) });
  }

  /** False where nobody waits for it any more. */
  #request({ call, path, body, headers, over = () => {} }: Request): boolean {
    if (!this.#calls.has(call)) return false;
    const ended = (outcome: Outcome | NanoError): void => {
      this.#running.delete(call);
      this.#settle(call, outcome);
      over();
    };
    try {
      if (!this.caller?.open) throw this.#gone();
      const bytes = toGrpc(body);
      const breakOff = this.caller.call({
        path,
        headers: headers(),
        body: bytes,
        maxBytes: maxAnswerBytes,
        answered(answer) {
          const read = readGrpc(answer);
          ended(read instanceof NanoError ? read : { case: "body", value: read });
        },
        failed: (error) => ended(this.#gone(error)),
      });
      this.counters.framesOut++;
      this.counters.bytesOut += bytes.length;
      this.#running.set(call, () => {
        this.#running.delete(call);
        breakOff();
        over();
      });
      return true;
    } catch (reason) {
      this.#settle(call, NanoError.from(reason));
      return false;
    }
  }

  #patch(patch: Patch): void {
    const session = this.#sessions.get(patch.handle);
    session?.patch(patch);
    if (!session || !patch.user || !this.#hearsOfUsers || session.tellsUser) return;
    session.tellsUser = true;
    session.takeNext({ begin: (over) => this.#tellUser(session, over) });
  }

  /** Tells the server, once, who has the session when it is told: the header of the next message says the same. */
  #tellUser(session: PlainSession, over: () => void): boolean {
    session.tellsUser = false;
    const { id, user, roles } = session;
    const deadlineMs = this.#options.clock.now() + boundTimeoutMs;
    const body = toBinary(BoundRequestSchema, create(BoundRequestSchema, { session: id, user, roles: [...roles] }));
    const call = this.#calls.add(deadlineMs, (told) => {
      if (told instanceof NanoError && told.code === "unimplemented") this.#hearsOfUsers = false;
    });
    return this.#request({ call, path: boundPath, body, headers: () => this.#headers(undefined, deadlineMs), over });
  }

  /** Tells the server, and again for a while where it cannot be reached, that nothing of a session comes any more. */
  async #end({ handle, reason, call }: End): Promise<void> {
    const { clock, connect } = this.#options;
    const session = this.#sessions.get(handle);
    this.#sessions.delete(handle);
    const done: Outcome = { case: "body", value: new Uint8Array(0) };
    if (!session || !this.#hears) return this.#settle(toNumber(call), done);
    const deadlineMs = clock.now() + endTimeoutMs;
    const body = toBinary(
      ClosedRequestSchema,
      create(ClosedRequestSchema, { session: session.id, ...(reason ? { reason } : {}) }),
    );
    const headers = (): Record<string, string> => this.#headers(undefined, deadlineMs);
    const tell = (): Promise<Outcome | NanoError> =>
      new Promise((resolve) => {
        const own = this.#calls.add(deadlineMs, resolve);
        // After what is under way.
        session.take({ begin: (over) => this.#request({ call: own, path: closedPath, body, headers, over }) });
      });
    for (;;) {
      const told = await connect().then(tell, (error: unknown) => NanoError.from(error));
      if (told instanceof NanoError && told.code === "unimplemented") this.#hears = false;
      const again = told instanceof NanoError && told.code === "unavailable" && !this.#closed;
      if (!again || clock.now() + endAgainMs >= deadlineMs) return this.#settle(toNumber(call), done);
      await new Promise<void>((resolve) => void clock.after(endAgainMs, resolve));
    }
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

  #settle(call: number, outcome: Outcome | NanoError): void {
    this.#calls.settle(call, outcome);
  }

  #breakOff(call: number): void {
    this.#running.get(call)?.();
  }

  // Clients may come to read it: what happened is in the cause alone.
  #gone(cause?: Error): NanoError {
    return unavailable(`${this.peer.id} is out of reach`, cause);
  }
}

function unavailable(message: string, cause?: unknown): NanoError {
  return new NanoError({ code: "unavailable", message, cause });
}
