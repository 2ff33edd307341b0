import type { Message } from "@bufbuild/protobuf";
import { type Failed, FailedSchema, type Gone, GoneSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { systemClock, systemRandom } from "../clock/index.ts";
import {
  type CallOptions,
  type ClientMethod,
  type ClientService,
  type Codec,
  defaultTimeoutMs,
  type Init,
  type Listen,
  type ListenOptions,
  reflectCodec,
} from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import { type DecodedMessage, encodeTracePlace, MessageKind } from "../message/index.ts";
import type { Serializer } from "../serializer/index.ts";
import { createAgreement } from "./agreement.ts";
import type { ClientOptions } from "./client-options.ts";
import type { ClientSpan } from "./client-tracing.ts";
import { Listeners } from "./listeners.ts";
import { createOutbox } from "./outbox.ts";
import { closedError, resetOutcome, unknownOutcome, unsentError } from "./outcome.ts";
import { PendingRequests } from "./pending.ts";
import { createPushes } from "./pushes.ts";
import { createResets } from "./resets.ts";
import { createService } from "./service.ts";
import type { ClientState } from "./state.ts";
import { canceled, Uplink } from "./uplink.ts";

/** One client: a session with a server, and what is asked, told and heard over it. */
export interface Client {
  readonly state: ClientState;
  /**
   * Resolves when the session is open. Rejects with a NanoError: `unavailable`, `deadline_exceeded`, `canceled`, or what the server refuses with.
   * A server that is too busy and says when to come again is asked again.
   */
  connect(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Ends the session. What waits for an answer fails with `unavailable`. */
  close(): Promise<void>;
  /** The typed methods of one service. What is called before `connect` waits for it. */
  service<C>(service: ClientService<C>): C;
  /**
   * Runs when the connection is back and the session is a new one, and hears why: log in again here. What waited for the connection goes when all
   * handlers are through, and fails where one does; what they ask themselves goes at once. They have the time of `connectTimeoutMs`.
   */
  onReset(handler: (why: string) => unknown, options?: ListenOptions): () => void;
  onState(listener: (state: ClientState, before: ClientState) => void, options?: ListenOptions): () => void;
  /** Hears of notifies that were not handled. */
  readonly onFailed: Listen<Failed>;
  /** Hears that the server which the session was stuck to is not there any more. */
  readonly onGone: Listen<Gone>;
}

/** A method that is called. */
interface Called {
  readonly route: string;
  readonly input: Codec<Message>;
  readonly idempotent?: boolean;
}

/** @param builtIn The serializers that this build of the client brings. */
export function buildClient(options: ClientOptions, builtIn: readonly Serializer[]): Client {
  const { clock = systemClock, random = systemRandom, queueMessages = 256, inFlight = 256 } = options;
  const { connectTimeoutMs = 10_000, maxPacketBytes = 4 * 1_024 * 1_024, reconnect = {} } = options;
  const failed = guarded(options.onError ?? reportUncaught);
  const pending = new PendingRequests(clock);
  const outbox = createOutbox(queueMessages, (id, reason) => {
    // What cannot be sent fails alone; a notify has nobody else to tell.
    if (id > 0) pending.fail(id, NanoError.from(reason));
    else failed(reason);
  });
  const states = new Listeners<[ClientState, ClientState]>(failed);
  const resets = createResets(clock, connectTimeoutMs);
  // Idempotent requests that have been sent once, by their ids: after a reset they go again.
  const repeatable = new Map<number, () => void>();
  let resetting = false;
  const pushes = createPushes(failed);
  const services = new Map<ClientService<unknown>, unknown>();
  const agreement = createAgreement(options, builtIn, services);
  let connections = 0;

  const uplink = new Uplink({
    transport: options.transport,
    clock,
    random,
    connectTimeoutMs,
    maxPacketBytes,
    reconnect,
    handshake: agreement.handshake,
    admitted: agreement.admitted,
    open,
    message,
    lost(reason) {
      connections++;
      pending.failAll(unknownOutcome(reason), (id) => !outbox.has(id));
    },
    over(reason) {
      connections++;
      pending.failAll(unknownOutcome(reason));
      outbox.clear();
    },
    changed: (state, before) => states.tell(state, before),
  });

  /** What was sent in a session that is over, and not answered: it may have been done or not. What does no harm twice goes once more. */
  function settleSent(why: string): void {
    const again: { readonly id: number; readonly send: () => void }[] = [];
    for (const id of pending.ids()) {
      if (outbox.has(id)) continue;
      const send = repeatable.get(id);
      repeatable.delete(id);
      if (send) again.push({ id, send });
      else pending.fail(id, resetOutcome(why));
    }
    outbox.addFirst(again);
  }

  function open({ via, reset = "" }: Extract<ClientState, { readonly name: "open" }>): void {
    if (via === "resume" || via === "moved") {
      // The reset handlers may wait for what was called since they run; what waits for them does so on.
      return resetting ? outbox.flushLater() : outbox.flush();
    }
    const own = ++connections;
    if (via === "reset") settleSent(reset);
    const handled = via === "reset" ? resets.run(reset) : undefined;
    resetting = handled !== undefined;
    if (!handled) return outbox.flush();
    outbox.hold();
    handled.then(
      () => {
        if (own !== connections) return;
        resetting = false;
        // It may have lost its connection since then, and will have it back.
        if (uplink.state.name === "open") outbox.flush();
      },
      (reason: unknown) => {
        // A connection that is gone again is not the handler's fault: it runs once more on the next.
        if (own !== connections) return;
        resetting = false;
        failed(reason);
        outbox.fail(NanoError.from(reason));
      },
    );
  }

  function message(decoded: DecodedMessage, buffer: Uint8Array): void {
    const { kind, id, code, bodyFrom, bodyTo } = decoded;
    const bodies = agreement.bodies();
    if (kind === MessageKind.response) {
      const error = decoded.error ? bodies?.decodeError(buffer.subarray(bodyFrom, bodyTo)) : undefined;
      return pending.settle(id, error ?? buffer, bodyFrom, bodyTo);
    }
    if (kind !== MessageKind.push) throw new Error("servers send responses and pushes only");
    if (!bodies) return;
    // A push that cannot be read ends the connection, as all nonsense does: dropped, it would be a hole that nobody sees.
    pushes.deliver(decoded.route ?? agreement.routeOf(code) ?? "", (codec) => bodies.decode(codec, buffer, bodyFrom, bodyTo));
  }

  /** Sends a message, or has it wait for the connection. Gives what sends it once more, where that may be wanted. */
  function send(
    kind: MessageKind,
    id: number,
    { route, input, idempotent }: Called,
    init: Init<Message>,
    span: ClientSpan | undefined,
  ): (() => void) | undefined {
    const { name } = uplink.state;
    if (name === "closed") throw closedError();
    if (name === "open" && !idempotent) return write(kind, id, route, input, init, span);
    // What was given may be changed by whoever gave it.
    const message = input.create(init);
    const again = (): void => write(kind, id, route, input, message, span);
    if (name === "open") again();
    else outbox.add(id, again);
    return again;
  }

  /** Writes a message of an open session. */
  function write(
    kind: MessageKind,
    id: number,
    route: string,
    codec: Codec<Message>,
    init: Init<Message>,
    span: ClientSpan | undefined,
  ): undefined {
    const bodies = agreement.bodies();
    if (!bodies) return;
    const trace = agreement.traced() && span ? encodeTracePlace(span.traceparent) : undefined;
    const code = agreement.codeOf(route) ?? -1;
    const header = { kind, id, route, code, compressed: false, error: false, trace };
    uplink.send(header, bodies.encode(codec, init));
  }

  const host = {
    check: options.check,
    request: requestMethod,
    notify: (method: Called, init: Init<Message>, span: ClientSpan | undefined) =>
      void send(MessageKind.notify, 0, method, init, span),
    tracing: options.tracing,
    listen: pushes.listen,
  };

  function requestMethod(
    method: ClientMethod & { readonly kind: "request" },
    init: Init<Message>,
    callOptions: CallOptions | undefined,
    span: ClientSpan | undefined,
  ): Promise<Message> {
    const { signal } = callOptions ?? {};
    const timeoutMs = callOptions?.timeoutMs ?? method.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(canceled(signal));
      if (pending.size >= inFlight) {
        return reject(new NanoError({ code: "resource_exhausted", message: `${inFlight} requests are under way already` }));
      }
      const id = pending.add(method.route, timeoutMs, signal, (outcome, from, to) => {
        // What goes again after a reset was sent before.
        const unsent = outbox.has(id) && (!method.idempotent || repeatable.has(id));
        outbox.remove(id);
        if (method.idempotent) repeatable.delete(id);
        if (outcome instanceof NanoError) return reject(unsent ? unsentError(outcome, uplink.state) : outcome);
        try {
          resolve(agreement.bodies()?.decode(method.output, outcome, from, to) ?? method.output.create({}));
        } catch (reason) {
          reject(NanoError.from(reason));
        }
      });
      try {
        const again = send(MessageKind.request, id, method, init, span);
        if (method.idempotent && again) repeatable.set(id, again);
      } catch (reason) {
        pending.fail(id, NanoError.from(reason));
      }
    });
  }

  return {
    get state() {
      return uplink.state;
    },
    connect: (connectOptions) => uplink.connect(connectOptions?.signal),
    close: async () => uplink.close(),
    service<C>(service: ClientService<C>): C {
      let made = services.get(service);
      if (!made) {
        made = createService(service, host);
        services.set(service, made);
      }
      // Made from this very service.
      return made as C;
    },
    onReset: resets.add,
    onState: (listener, listenOptions) => states.add(listener, listenOptions),
    onFailed: pushes.listen("nano.failed", reflectCodec(FailedSchema)),
    onGone: pushes.listen("nano.gone", reflectCodec(GoneSchema)),
  };
}

// What hears of errors may throw itself, and must not hurt whoever told it.
function guarded(failed: (reason: unknown) => void): (reason: unknown) => void {
  return (reason) => {
    try {
      failed(reason);
    } catch (worse) {
      reportUncaught(worse);
    }
  };
}

function reportUncaught(reason: unknown): void {
  queueMicrotask(() => {
    throw reason;
  });
}
