import type { Message } from "@bufbuild/protobuf";
import { type Failed, FailedSchema, type Gone, GoneSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { systemClock } from "../clock/index.ts";
import {
  type CallOptions,
  type ClientService,
  type Codec,
  defaultTimeoutMs,
  type Listen,
  type ListenOptions,
  reflectCodec,
} from "../contract/index.ts";
import { type CloseReason, NanoError } from "../error/index.ts";
import type { HandshakeAnswer, HandshakeRequest } from "../handshake/index.ts";
import { type DecodedMessage, MessageKind } from "../message/index.ts";
import { type BodyCodec, createBodyCodec } from "./body.ts";
import type { ClientOptions } from "./client-options.ts";
import { ClientConnection } from "./connection.ts";
import { createListeners, type Listeners } from "./listeners.ts";
import { createPendingRequests } from "./pending.ts";
import { closedError, createService, detailsOf } from "./service.ts";
import type { ClientState } from "./state.ts";

/** One client: a session with a server, and what is asked, told and heard over it. */
export interface Client {
  readonly state: ClientState;
  /** Resolves when the session is open. Rejects with a NanoError: `unavailable`, `deadline_exceeded`, `canceled`, or what the server refuses with. */
  connect(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** Ends the session. What waits for an answer fails with `unavailable`. */
  close(): Promise<void>;
  /** The typed methods of one service. What is called before `connect` waits for it. */
  service<C>(service: ClientService<C>): C;
  onState(listener: (state: ClientState, before: ClientState) => void, options?: ListenOptions): () => void;
  /** Hears of notifies that were not handled. */
  readonly onFailed: Listen<Failed>;
  /** Hears that the server which the session was stuck to is not there any more. */
  readonly onGone: Listen<Gone>;
}

/** A message that waits for the connection. */
interface Waiting {
  /** Of a request; 0 for a notify. */
  readonly id: number;
  readonly send: () => void;
}

/** Makes a client. Nothing is opened before `connect`. */
export function createClient(options: ClientOptions): Client {
  const { clock = systemClock, queueMessages = 256 } = options;
  const failed = guarded(options.onError ?? reportUncaught);
  const pending = createPendingRequests(clock);
  const states = createListeners<[ClientState, ClientState]>(failed);
  const pushes = new Map<string, { readonly codec: Codec<Message>; readonly listeners: Listeners<[Message]> }[]>();
  const services = new Map<ClientService<unknown>, unknown>();
  let state: ClientState = { name: "idle" };
  let connection: ClientConnection | undefined;
  let connecting: Promise<void> | undefined;
  let bodies: BodyCodec | undefined;
  let codes: ReadonlyMap<string, number> = new Map();
  let routes: ReadonlyMap<number, string> = new Map();
  let queue: Waiting[] = [];
  let attempts = 0;

  function become(next: ClientState): void {
    const before = state;
    state = next;
    states.tell(next, before);
  }

  function handshake(): HandshakeRequest {
    const { encoding = "protobuf" } = options;
    const { platform = "js", version, user } = options.handshake ?? {};
    const fingerprint = [...services.keys()]
      .map((service) => service.fingerprint ?? "")
      .sort()
      .join(",");
    return {
      sys: { platform, clientVersion: version, serializer: encoding, nano: { v: 1, fingerprint, codes: true, inflate: [] } },
      user,
    };
  }

  function opened(answer: HandshakeAnswer): void {
    const { serializer, dict, nano } = answer.sys;
    bodies = createBodyCodec(serializer, options.serializers ?? [], () => [...services.keys()].flatMap(detailsOf));
    if (!bodies)
      throw new NanoError({ code: "unimplemented", message: `the server speaks "${serializer}", which this client does not` });
    connecting = undefined;
    codes = new Map(Object.entries(dict));
    routes = new Map(Object.entries(dict).map(([route, code]) => [code, route]));
    const waiting = queue;
    queue = [];
    for (const { id, send } of waiting) {
      try {
        send();
      } catch (reason) {
        // What cannot be written fails alone; a notify has nobody else to tell.
        if (id > 0) pending.settle(id, NanoError.from(reason));
        else failed(reason);
      }
    }
    become({ name: "open", via: "first", session: nano?.session ?? "" });
  }

  function over(reason: CloseReason): void {
    connection = undefined;
    connecting = undefined;
    const error = closedError(`the session has ended: ${reason.message}`);
    queue = [];
    pending.failAll(error);
    become({ name: "closed", reason });
  }

  async function open(signal: AbortSignal | undefined): Promise<void> {
    const own = new ClientConnection({
      transport: options.transport,
      clock,
      handshake: handshake(),
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      maxPacketBytes: options.maxPacketBytes ?? 4 * 1_024 * 1_024,
      opened,
      message,
      closed: over,
    });
    connection = own;
    const aborted = (): void => own.close();
    signal?.addEventListener("abort", aborted, { once: true });
    try {
      await own.open();
    } catch (reason) {
      const error = signal?.aborted ? canceled(signal) : NanoError.from(reason);
      if (connection === own) over(own.failure ?? { kind: "lost", code: error.code, message: error.message });
      throw error;
    } finally {
      signal?.removeEventListener("abort", aborted);
    }
  }

  function message(decoded: DecodedMessage, buffer: Uint8Array): void {
    const { kind, id, code, bodyFrom, bodyTo } = decoded;
    if (decoded.compressed) throw new Error("a compressed body, which was not asked for");
    if (kind === MessageKind.response) {
      const body = buffer.subarray(bodyFrom, bodyTo);
      if (pending.has(id)) pending.settle(id, decoded.error && bodies ? bodies.decodeError(body) : body);
      return;
    }
    if (kind !== MessageKind.push) throw new Error("servers send responses and pushes only");
    const route = decoded.route ?? routes.get(code);
    for (const { codec, listeners } of pushes.get(route ?? "") ?? []) {
      // A push that cannot be read ends the connection, as all nonsense does: dropped, it would be a hole that nobody sees.
      if (listeners.size > 0 && bodies) listeners.tell(bodies.decode(codec, buffer.subarray(bodyFrom, bodyTo)));
    }
  }

  function send(id: number, kind: "request" | "notify", route: string, codec: Codec<Message>, init: Message): void {
    const write = (): void => {
      if (!bodies) return;
      const header = { kind: MessageKind[kind], id, route, code: codes.get(route) ?? -1, compressed: false, error: false };
      connection?.send(header, bodies.encode(codec, init));
    };
    if (state.name === "open") return write();
    if (state.name === "closed") throw closedError("the client is closed");
    if (queue.length >= queueMessages) {
      throw new NanoError({ code: "resource_exhausted", message: `${queueMessages} messages wait for the connection already` });
    }
    queue.push({ id, send: write });
  }

  const host = {
    request(method: Parameters<typeof requestMethod>[0], init: Message, callOptions: CallOptions | undefined): Promise<Message> {
      return requestMethod(method, init, callOptions);
    },
    notify: (method: { readonly route: string; readonly input: Codec<Message> }, init: Message) =>
      send(0, "notify", method.route, method.input, init),
    listen,
  };

  function requestMethod(
    method: {
      readonly route: string;
      readonly timeoutMs?: number;
      readonly input: Codec<Message>;
      readonly output: Codec<Message>;
    },
    init: Message,
    callOptions: CallOptions | undefined,
  ): Promise<Message> {
    const { signal } = callOptions ?? {};
    const timeoutMs = callOptions?.timeoutMs ?? method.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(canceled(signal));
      const id = pending.add(method.route, timeoutMs, signal, (outcome) => {
        queue = queue.filter((waiting) => waiting.id !== id);
        if (outcome instanceof NanoError) return reject(outcome);
        try {
          resolve(bodies?.decode(method.output, outcome) ?? method.output.create({}));
        } catch (reason) {
          reject(reason);
        }
      });
      try {
        send(id, "request", method.route, method.input, init);
      } catch (reason) {
        pending.settle(id, NanoError.from(reason));
      }
    });
  }

  function listen<M extends Message>(route: string, codec: Codec<M>): Listen<M> {
    const listeners = createListeners<[M]>(failed);
    // A push is read by the codec that stands beside its listeners.
    const entry = {
      codec: codec as Codec<Message>,
      listeners: listeners as Listeners<readonly unknown[]> as Listeners<[Message]>,
    };
    pushes.set(route, [...(pushes.get(route) ?? []), entry]);
    return (listener, listenOptions) => listeners.add(listener, listenOptions);
  }

  return {
    get state() {
      return state;
    },
    connect(connectOptions) {
      const { signal } = connectOptions ?? {};
      if (state.name === "open") return Promise.resolve();
      if (signal?.aborted) return Promise.reject(canceled(signal));
      if (connecting) return connecting;
      const opening = open(signal);
      connecting = opening;
      become({ name: "connecting", attempt: ++attempts });
      return opening;
    },
    async close() {
      if (state.name === "closed") return;
      const closing = connection;
      over({ kind: "left", message: "the client was closed" });
      closing?.close();
    },
    service<C>(service: ClientService<C>): C {
      let made = services.get(service);
      if (!made) {
        made = createService(service, host);
        services.set(service, made);
      }
      // Made from this very service.
      return made as C;
    },
    onState: (listener, listenOptions) => states.add(listener, listenOptions),
    onFailed: listen("nano.failed", reflectCodec(FailedSchema)),
    onGone: listen("nano.gone", reflectCodec(GoneSchema)),
  };
}

function canceled(signal: AbortSignal): NanoError {
  const error = NanoError.from(signal.reason);
  if (error.code === "deadline_exceeded" || error.code === "canceled") return error;
  return new NanoError({ code: "canceled", message: "given up", cause: signal.reason });
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
