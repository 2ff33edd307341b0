import { create, type Message } from "@bufbuild/protobuf";
import { CallSchema, EnvelopeSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { EveryServer, RemoteTarget, Scope, ServerResult } from "../context/index.ts";
import {
  asCall,
  ByteWriter,
  type Call,
  type CallOptions,
  defaultTimeoutMs,
  encodeMessage,
  type Init,
  type RemoteService,
  type Request,
  unpackDeclared,
} from "../contract/index.ts";
import type { ServerInfo } from "../discovery/index.ts";
import { NanoError, publicError } from "../error/index.ts";
import type { Link } from "../link/index.ts";
import type { Directory, Router } from "../router/index.ts";
import type { Remotes } from "./remotes.ts";

/** Makes the objects through which remotes are called. */
export interface Callers {
  remote<C>(service: RemoteService<unknown, C>, target: RemoteTarget | undefined, scope: Scope): C;
  remoteAll<C>(service: RemoteService<unknown, C>, scope: Scope): EveryServer<C>;
}

/** What calling needs of the server around. */
export interface CallersOptions {
  readonly self: { readonly id: string; readonly incarnation: bigint; readonly types: readonly string[] };
  readonly directory: Directory;
  readonly router: Router;
  readonly remotes: Remotes;
  readonly now: () => number;
  linkTo(server: ServerInfo): Promise<Link>;
}

type RemoteMethod = Request<Message, Message>;

/** Calls by the schema's rule, by key, by server, and to all. */
export function createCallers(options: CallersOptions): Callers {
  const { directory, router } = options;
  const writer = new ByteWriter(1_024);

  function pick(
    service: RemoteService<unknown, unknown>,
    method: RemoteMethod,
    target: RemoteTarget | undefined,
    body: Uint8Array,
  ) {
    if (target && "server" in target) {
      const server = directory.byId(target.server);
      if (server) return server;
      throw new NanoError({ code: "unavailable", message: `no server "${target.server}" is there` });
    }
    const known = directory.route(method.route);
    if (!known)
      throw new NanoError({ code: "unavailable", message: `no server of type ${service.server} answers ${method.route}` });
    if (target) return router.pickByKey(known, String(target.key));
    return router.pick(known, { body, before: undefined });
  }

  async function call(
    server: ServerInfo,
    method: RemoteMethod,
    body: Uint8Array,
    scope: Scope,
    callOptions: CallOptions | undefined,
  ): Promise<Message> {
    scope.mustLive();
    const own = options.now() + (callOptions?.timeoutMs ?? method.timeoutMs ?? defaultTimeoutMs);
    const deadlineMs = scope.deadlineMs === undefined ? own : Math.min(own, scope.deadlineMs);
    if (deadlineMs <= options.now()) throw new NanoError({ code: "deadline_exceeded", message: "no time is left for the call" });
    const signals = [scope.signal, callOptions?.signal].filter((signal) => signal !== undefined);
    for (const signal of signals) if (signal.aborted) throw NanoError.from(signal.reason);
    try {
      const answer =
        server.incarnation === options.self.incarnation
          ? await local(method, body, scope, deadlineMs, signals)
          : await remote(await options.linkTo(server), method, body, scope, deadlineMs, signals);
      return method.output.decode(answer, 0, answer.length);
    } catch (reason) {
      throw unpackDeclared(method.errors, reason);
    }
  }

  function local(
    method: RemoteMethod,
    body: Uint8Array,
    scope: Scope,
    deadlineMs: number,
    signals: AbortSignal[],
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      const { hops, traceparent, tracestate } = scope;
      const breakOff = options.remotes.dispatch(
        method.route,
        body,
        options.self,
        { deadlineMs, hops, traceparent, tracestate, attempt: 0 },
        {
          answered(answer) {
            settled.abort();
            resolve(answer);
          },
          failed(reason) {
            settled.abort();
            reject(publicError(reason));
          },
        },
      );
      whenAborted(signals, settled.signal, breakOff);
    });
  }

  function remote(
    link: Link,
    method: RemoteMethod,
    body: Uint8Array,
    scope: Scope,
    deadlineMs: number,
    signals: AbortSignal[],
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const settled = new AbortController();
      const number = link.expect(deadlineMs, (outcome) => {
        settled.abort();
        if (outcome instanceof NanoError) reject(outcome);
        else if (outcome.case === "body") resolve(outcome.value);
        else reject(new NanoError({ code: "internal", message: "the answer makes no sense" }));
      });
      whenAborted(signals, settled.signal, (reason) => link.cancel(number, reason));
      const { hops, traceparent, tracestate } = scope;
      const remainingMs = Math.max(1, Math.floor(deadlineMs - options.now()));
      try {
        link.sendData({
          case: "call",
          value: create(CallSchema, {
            call: number,
            route: method.route,
            body,
            envelope: create(EnvelopeSchema, { remainingMs, hops, traceparent, tracestate }),
          }),
        });
      } catch (reason) {
        link.forget(number, NanoError.from(reason));
      }
    });
  }

  function methodsOf(service: RemoteService<unknown, unknown>): [string, RemoteMethod][] {
    return Object.entries(service.methods).flatMap(([name, method]): [string, RemoteMethod][] =>
      method.kind === "request" ? [[name, method]] : [],
    );
  }

  return {
    remote<C>(service: RemoteService<unknown, C>, target: RemoteTarget | undefined, scope: Scope): C {
      const methods = methodsOf(service).map(([name, method]) => {
        const caller = (request: Init<Message>, callOptions?: CallOptions): Call<Message> =>
          asCall(
            (async () => {
              const body = encodeMessage(method.input, request, writer);
              return call(pick(service, method, target, body), method, body, scope, callOptions);
            })(),
          );
        return [name, caller] as const;
      });
      // The printed interface has exactly the methods of the printed table.
      return Object.fromEntries(methods) as C;
    },
    remoteAll<C>(service: RemoteService<unknown, C>, scope: Scope): EveryServer<C> {
      const methods = methodsOf(service).map(([name, method]) => {
        const caller = async (
          request: Init<Message>,
          callOptions?: CallOptions,
        ): Promise<readonly ServerResult<Message, NanoError>[]> => {
          const body = encodeMessage(method.input, request, writer);
          const servers = directory.route(method.route)?.serving ?? [];
          return Promise.all(
            servers.map(async (server): Promise<ServerResult<Message, NanoError>> => {
              try {
                return { server, ok: true, value: await call(server, method, body, scope, callOptions) };
              } catch (reason) {
                return { server, ok: false, error: NanoError.from(reason) };
              }
            }),
          );
        };
        return [name, caller] as const;
      });
      // As above.
      return Object.fromEntries(methods) as EveryServer<C>;
    },
  };
}

function whenAborted(signals: readonly AbortSignal[], settled: AbortSignal, then: (reason: NanoError) => void): void {
  for (const signal of signals) {
    signal.addEventListener("abort", () => then(canceled(signal.reason)), { once: true, signal: settled });
  }
}

function canceled(reason: unknown): NanoError {
  const error = NanoError.from(reason);
  // A deadline that passed is told as such; everything else is the caller giving up.
  if (error.code === "deadline_exceeded" || error.code === "canceled") return error;
  return new NanoError({ code: "canceled", message: error.message, cause: reason });
}
