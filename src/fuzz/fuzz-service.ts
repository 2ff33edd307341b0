import { type DescMessage, type Message, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import type { Client } from "../client/index.ts";
import type { ClientMethod, ClientService } from "../contract/index.ts";
import type { Code } from "../error/index.ts";
import { boundaryArbitrary } from "./boundary-arbitrary.ts";
import { brokenArbitrary } from "./broken-arbitrary.ts";
import { brokenJsonArbitrary } from "./broken-json-arbitrary.ts";
import { type CalledMethod, createCaller, type FuzzInput } from "./fuzz-caller.ts";
import { messageArbitrary } from "./message-arbitrary.ts";

/** What is fuzzed, and how. */
export interface FuzzOptions {
  /** As `*_client.ts` exports it. */
  readonly service: ClientService<unknown>;
  /**
   * Opens a client with a session that may call the service: connected, logged in where that is needed, and in the encoding that is fuzzed. Asked again after a
   * session that was closed for going too fast. Every client is closed in the end.
   */
  connect(): Promise<Client>;
  /**
   * How the clients of `connect` write bodies. The default is "protobuf". With "json" they are made with `{ encoding: "json", serializers: [fuzzJson] }`; what has no JSON,
   * as a number of an enum that the schema does not have in some fields of protobuf's own, is left out.
   */
  readonly encoding?: "protobuf" | "json";
  /** How many inputs of each kind every method gets. The default is 100. */
  readonly runs?: number;
  /** Chooses the inputs; a failure tells it. The default is chance. */
  readonly seed?: number;
  /** Codes that any method may answer with beside those that it declares. The default is none. */
  readonly allow?: readonly Code[];
  /** By the name of a method, what it is sent as valid input. The default is `messageArbitrary` of its request. */
  readonly valid?: Readonly<Record<string, fc.Arbitrary<Message>>>;
  /** The names of methods that are left out. The default is none. */
  readonly except?: readonly string[];
}

/** What came of it: how many calls ended how, by route. "ok", or the code of an error. */
export type FuzzReport = Readonly<Record<string, Readonly<Record<string, number>>>>;

const defaultRuns = 100;

/**
 * Calls every method of a service of a running server, one call after the other, with valid input, with input at the edge of what its types hold, and with bytes that are no message.
 * Passes where each request is answered within its deadline, by a declared error if by any, and no session ends that did nothing wrong. Beside the declared errors a method may answer
 * `invalid_argument` (it did not like the input), `resource_exhausted` (a limit), and `unauthenticated` or `permission_denied` (access), but never `internal`.
 * Notifies have no answer: what they fail with is told as `nano.failed`, and held to the same.
 *
 * @throws Error With the method, the smallest input that was found to fail, what it was answered, and the seed.
 */
export async function fuzzService(options: FuzzOptions): Promise<FuzzReport> {
  const { service, runs = defaultRuns, seed, valid = {}, except = [], encoding = "protobuf" } = options;
  const names = Object.keys(service.methods);
  for (const name of [...except, ...Object.keys(valid)]) {
    if (!names.includes(name)) throw new TypeError(`${service.service} has no method "${name}"`);
  }
  const caller = createCaller(options);
  try {
    for (const [name, method] of Object.entries(service.methods)) {
      if (!called(method) || except.includes(name)) continue;
      for (const [kind, inputs] of inputsOf(method, valid[name], encoding)) {
        caller.begin();
        const property = fc.asyncProperty(inputs, (input) => caller.call(name, method, input));
        try {
          await fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) });
        } catch (reason) {
          const words = reason instanceof Error ? reason.message : String(reason);
          const answered = reason instanceof Error && reason.cause instanceof Error ? `\n${reason.cause.message}` : "";
          throw new Error(`${method.route}, ${kind} input: ${words}${answered}`, { cause: reason });
        }
      }
    }
    return caller.report;
  } finally {
    await caller.close();
  }
}

function called(method: ClientMethod): method is CalledMethod {
  return method.kind !== "push";
}

function inputsOf(
  { input }: CalledMethod,
  valid: fc.Arbitrary<Message> | undefined,
  encoding: "protobuf" | "json",
): readonly [string, fc.Arbitrary<FuzzInput>][] {
  const { schema }: { readonly schema: DescMessage } = input;
  const json = encoding === "json";
  const message = (each: Message): FuzzInput => ({ message: each });
  const writable = (all: fc.Arbitrary<Message>): fc.Arbitrary<Message> =>
    json ? all.filter((one) => hasJson(schema, one)) : all;
  return [
    ["valid", writable(valid ?? messageArbitrary(schema)).map(message)],
    ["boundary", writable(boundaryArbitrary(schema)).map(message)],
    ["broken", (json ? brokenJsonArbitrary(schema) : brokenArbitrary(schema)).map((bytes) => ({ bytes }))],
  ];
}

function hasJson(schema: DescMessage, message: Message): boolean {
  try {
    toJsonString(schema, message);
    return true;
  } catch {
    return false;
  }
}
