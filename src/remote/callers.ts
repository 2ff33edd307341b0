import type { Message } from "@bufbuild/protobuf";
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
import { NanoError } from "../error/index.ts";
import { type CallCounter, createCallCounter } from "../metrics/index.ts";
import { tracedName } from "../pipeline/index.ts";
import type { Directory, Router } from "../router/index.ts";
import type { Tracing } from "../tracing/index.ts";
import { Asking, type AskingHost, type Question } from "./asking.ts";
import { createOwnCalls } from "./own-calls.ts";

/** Makes the objects through which remotes are called. */
export interface Callers {
  /** How the calls fared that were made here, by route, over all their tries. */
  readonly counters: ReadonlyMap<string, CallCounter>;
  remote<C>(service: RemoteService<unknown, C>, target: RemoteTarget | undefined, scope: Scope): C;
  remoteAll<C>(service: RemoteService<unknown, C>, scope: Scope): EveryServer<C>;
}

/** What calling needs of the server around. */
export interface CallersOptions extends Omit<AskingHost, "soon"> {
  readonly directory: Directory;
  readonly router: Router;
  /** Undefined: nothing is traced. */
  readonly tracing?: Tracing | undefined;
}

type RemoteMethod = Request<Message, Message>;

/** Calls by the schema's rule, by key, by server, and to all. */
export function createCallers(options: CallersOptions): Callers {
  const { directory, router, tracing, clock } = options;
  const writer = new ByteWriter(1_024);
  const counters = new Map<string, CallCounter>();
  const host: AskingHost = { ...options, soon: createOwnCalls(options.clock) };

  function pick(
    service: RemoteService<unknown, unknown>,
    method: RemoteMethod,
    target: RemoteTarget | undefined,
    body: Uint8Array,
    failed: ServerInfo | undefined,
  ): ServerInfo | Promise<ServerInfo> {
    if (target && "server" in target) {
      const server = directory.byId(target.server);
      if (server) return server;
      throw new NanoError({ code: "unavailable", message: `no server "${target.server}" is there` });
    }
    const known = directory.route(method.route);
    if (!known)
      throw new NanoError({ code: "unavailable", message: `no server of type ${service.server} answers ${method.route}` });
    if (target) return router.pickByKey(known, String(target.key));
    return router.pick(known, { body, before: undefined, failed });
  }

  function counterOf(route: string): CallCounter {
    const found = counters.get(route);
    if (found) return found;
    const counter = createCallCounter();
    counters.set(route, counter);
    return counter;
  }

  async function call(
    method: RemoteMethod,
    counter: CallCounter,
    body: Uint8Array,
    scope: Scope,
    callOptions: CallOptions | undefined,
    way: Pick<Question, "pick" | "learn">,
  ): Promise<Message> {
    const span = tracing?.asking(tracedName(method.method), scope);
    const beganMs = clock.now();
    const own = beganMs + (callOptions?.timeoutMs ?? method.timeoutMs ?? defaultTimeoutMs);
    const asking = new Asking(host, {
      route: method.route,
      idempotent: method.idempotent ?? false,
      body,
      scope,
      trace: span ?? scope,
      deadlineMs: scope.deadlineMs === undefined ? own : Math.min(own, scope.deadlineMs),
      signal: callOptions?.signal,
      ...way,
    });
    try {
      asking.begin();
      const answer = await asking.answer;
      const decoded = method.output.decode(answer, 0, answer.length);
      span?.end();
      counter.ended((clock.now() - beganMs) / 1_000);
      return decoded;
    } catch (reason) {
      span?.end(reason);
      counter.ended((clock.now() - beganMs) / 1_000);
      counter.failedWith(NanoError.from(reason).code);
      throw unpackDeclared(method.errors, reason);
    }
  }

  function learn(method: RemoteMethod, body: Uint8Array, home: bigint): boolean {
    const known = method.own ? directory.route(method.route) : undefined;
    return known !== undefined && router.learn(known, body, home);
  }

  function methodsOf(service: RemoteService<unknown, unknown>): [string, RemoteMethod][] {
    return Object.entries(service.methods).flatMap(([name, method]): [string, RemoteMethod][] =>
      method.kind === "request" ? [[name, method]] : [],
    );
  }

  return {
    counters,
    remote<C>(service: RemoteService<unknown, C>, target: RemoteTarget | undefined, scope: Scope): C {
      const methods = methodsOf(service).map(([name, method]) => {
        const counter = counterOf(method.route);
        const caller = (request: Init<Message>, callOptions?: CallOptions): Call<Message> =>
          asCall(
            (async () => {
              const body = encodeMessage(method.input, request, writer);
              return call(method, counter, body, scope, callOptions, {
                pick: (failed) => pick(service, method, target, body, failed),
                // Who names a server means that one.
                learn: (home) => !(target && "server" in target) && learn(method, body, home),
              });
            })(),
          );
        return [name, caller] as const;
      });
      // The printed interface has exactly the methods of the printed table.
      return Object.fromEntries(methods) as C;
    },
    remoteAll<C>(service: RemoteService<unknown, C>, scope: Scope): EveryServer<C> {
      const methods = methodsOf(service).map(([name, method]) => {
        const counter = counterOf(method.route);
        const caller = async (
          request: Init<Message>,
          callOptions?: CallOptions,
        ): Promise<readonly ServerResult<Message, NanoError>[]> => {
          const body = encodeMessage(method.input, request, writer);
          const servers = directory.route(method.route)?.serving ?? [];
          return Promise.all(
            servers.map(async (server): Promise<ServerResult<Message, NanoError>> => {
              try {
                return { server, ok: true, value: await call(method, counter, body, scope, callOptions, only(server)) };
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

function only(server: ServerInfo): Pick<Question, "pick" | "learn"> {
  return { pick: () => server, learn: () => false };
}
