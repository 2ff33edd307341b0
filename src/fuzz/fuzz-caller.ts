import { fromBinary, type Message } from "@bufbuild/protobuf";
import { FailedSchema } from "../../gen/nano/client/v1/client_pb.ts";
import type { Client } from "../client/index.ts";
import type { Call, ClientMethod, ClientService, Codec } from "../contract/index.ts";
import { reflectCodec } from "../contract/index.ts";
import { type Code, isCode, NanoError } from "../error/index.ts";
import type { FuzzOptions, FuzzReport } from "./fuzz-service.ts";

/** A method that clients call. */
export type CalledMethod = Extract<ClientMethod, { readonly kind: "request" | "notify" }>;

/** What a method is sent: a message, or bytes that are none. */
export type FuzzInput = { readonly message: Message } | { readonly bytes: Uint8Array };

/** Calls methods, over sessions of which each lasts as long as it can. */
export interface FuzzCaller {
  readonly report: FuzzReport;
  /** Another property begins. */
  begin(): void;
  /** Rejects with an Error where the outcome is none that a method may have. */
  call(name: string, method: CalledMethod, input: FuzzInput): Promise<void>;
  close(): Promise<void>;
}

type Methods = Readonly<Record<string, (input: FuzzInput) => Call<Message> | undefined>>;

/** What a notify failed with. */
interface Failure {
  readonly route: string;
  readonly code: Code;
  readonly message: string;
}

interface Session {
  readonly client: Client;
  readonly methods: Methods;
  /** Those that no call has looked at yet. */
  readonly failures: Failure[];
}

// What the framework answers with whatever a method declares.
const always = ["invalid_argument", "resource_exhausted", "unauthenticated", "permission_denied"];
// A session that went too fast gets so many successors for one input.
const mostTries = 3;
const pingRoute = "nano.fuzz.ping";

/** Makes one. */
export function createCaller({ service, connect, allow = [] }: FuzzOptions): FuzzCaller {
  const report: Record<string, Record<string, number>> = {};
  const clients: Client[] = [];
  const raw = rawService(service);
  const ping: ClientService<{ ping(message: object): Call<Message> }> = {
    ...{ codegen: 1, kind: "client", service: "nano.fuzz" },
    methods: {
      ping: { kind: "request", route: pingRoute, input: reflectCodec(FailedSchema), output: reflectCodec(FailedSchema) },
    },
  };
  let session: Session | undefined;
  let hung = false;

  function allowed(code: string): boolean {
    return always.includes(code) || allow.some((one) => one === code);
  }

  async function open(): Promise<Session> {
    if (session?.client.state.name === "open") return session;
    await session?.client.close();
    const client = await connect();
    clients.push(client);
    const failures: Failure[] = [];
    client.onFailed(({ route, code, message }) => void failures.push({ route, code: isCode(code) ? code : "unknown", message }));
    session = { client, methods: client.service(raw), failures };
    return session;
  }

  /** What a call came to: undefined is well. */
  async function outcome(name: string, { kind, route }: CalledMethod, input: FuzzInput): Promise<NanoError | undefined> {
    const { client, methods, failures } = await open();
    if (kind === "request") {
      const result = await methods[name]?.(input)?.result();
      return result?.ok === false ? endOf(client, result.error) : undefined;
    }
    methods[name]?.(input);
    // Is answered later than the notify fails, unless that takes its time: then a later call hears of it.
    const pong = await client.service(ping).ping({}).result();
    if (!pong.ok && pong.error.code !== "not_found") return endOf(client, pong.error);
    const told = failures.splice(0).filter((one) => one.route === route);
    const [failed] = [...told.filter(({ code }) => !allowed(code)), ...told];
    return failed && new NanoError({ code: failed.code, message: failed.message });
  }

  return {
    report,
    begin: () => {
      hung = false;
    },
    async call(name, method, input) {
      // After a call that was not answered the smaller inputs are not tried: each would take as long.
      if (hung) return;
      const { route } = method;
      const errors = method.kind === "request" ? Object.keys(method.errors ?? {}) : [];
      for (let tries = 1; ; tries++) {
        const error = await outcome(name, method, input);
        const code = error?.code ?? "ok";
        if (code === "resource_exhausted" && tries < mostTries) {
          // Another session has not gone too fast yet.
          await session?.client.close();
          continue;
        }
        const counts = report[route] ?? {};
        report[route] = counts;
        counts[code] = (counts[code] ?? 0) + 1;
        if (!error || allowed(code) || errors.includes(code)) return;
        hung = code === "deadline_exceeded";
        throw new Error(`${route} answered ${code}: ${error.message}`);
      }
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()));
    },
  };
}

/** Whoever was sent away for going too fast was refused by a limit, whatever the call says. */
function endOf({ state }: Client, error: NanoError): NanoError {
  const tooFast = state.name === "closed" && state.reason.code === "resource_exhausted";
  return tooFast ? new NanoError({ code: "resource_exhausted", message: state.reason.message }) : error;
}

/** The same service, which takes bytes too, and checks nothing before it sends. */
function rawService(service: ClientService<unknown>): ClientService<Methods> {
  const methods = Object.entries(service.methods).flatMap(([name, method]): [string, ClientMethod][] => {
    if (method.kind === "push") return [];
    const input = rawCodec(method.input);
    if (method.kind === "notify") return [[name, { kind: "notify", route: method.route, input }]];
    const { kind, route, output, timeoutMs, errors } = method;
    return [
      [name, { kind, route, input, output, ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(errors ? { errors } : {}) }],
    ];
  });
  const { codegen, kind, service: name } = service;
  return { codegen, kind, service: name, methods: Object.fromEntries(methods) };
}

// What goes through the client as a message here is a FuzzInput.
function rawCodec(codec: Codec<Message>): Codec<Message> {
  return {
    schema: codec.schema,
    create: (init) => init as Message,
    encode(init, writer) {
      const input = init as unknown as FuzzInput;
      if ("bytes" in input) writer.bytes(input.bytes);
      else codec.encode(input.message, writer);
    },
    decode: (bytes, from, to) => fromBinary(codec.schema, new Uint8Array(bytes.subarray(from, to))),
  };
}
