import type { DescMessage } from "@bufbuild/protobuf";
import type { ClientService } from "../contract/index.ts";
import { NanoError } from "../error/index.ts";
import type { HandshakeAnswer, HandshakeRequest, NanoRequest } from "../handshake/index.ts";
import type { Serializer } from "../serializer/index.ts";
import { type BodyCodec, createBodyCodec } from "./body.ts";
import type { ClientOptions } from "./client-options.ts";
import { canInflate } from "./inflow.ts";
import { detailsOf } from "./service.ts";

/** What a client and its server agree on by their handshakes: how bodies are written, and by which codes routes go. */
export interface Agreement {
  /** Undefined before the first handshake. */
  bodies(): BodyCodec | undefined;
  /** Whether the server reads where messages stand in a trace. */
  traced(): boolean;
  /** What the client says. @param resume The session to come back to. */
  handshake(resume: NanoRequest["resume"]): HandshakeRequest;
  /** What the server answers. Throws NanoError `unimplemented` where it speaks what nobody here does. */
  admitted(answer: HandshakeAnswer): void;
  /** Undefined where a route has none. */
  codeOf(route: string): number | undefined;
  /** Undefined where nobody has told a code. */
  routeOf(code: number): string | undefined;
}

/** @param builtIn The serializers that this build of the client brings. Throws a TypeError on an encoding without one. */
export function createAgreement(
  options: ClientOptions,
  builtIn: readonly Serializer[],
  services: ReadonlyMap<ClientService<unknown>, unknown>,
): Agreement {
  const { encoding = "protobuf", codes: withCodes = true, inflate = true } = options;
  const details = (): readonly DescMessage[] => [...services.keys()].flatMap(detailsOf);
  const serializers = [...(options.serializers ?? []), ...builtIn].map((one) => one.knowing?.(details) ?? one);
  if (encoding !== "protobuf" && !serializers.some(({ name }) => name === encoding)) {
    const where = encoding === "json" ? ': in browsers "nano-rpc/client/json" has it' : "";
    throw new TypeError(`encoding "${encoding}" needs its serializer in "serializers"${where}`);
  }
  let bodies: BodyCodec | undefined;
  let traced = false;
  let codes: ReadonlyMap<string, number> = new Map();
  let routes: ReadonlyMap<number, string> = new Map();
  // The name of the codes that the server gave: a server that has the same does not tell them again.
  let dictionary: string | undefined;
  // Those that the client has by itself, should the server know its services: their routes, sorted, from 1 on.
  let printed: readonly string[] = [];

  function learn(dict: readonly (readonly [string, number])[]): void {
    codes = new Map(dict);
    routes = new Map(dict.map(([route, code]) => [code, route]));
  }

  return {
    // No getters: an object that is made with some is a table, and looked up in for each message.
    bodies: () => bodies,
    traced: () => traced,
    handshake(resume) {
      const { platform = "js", version, user, sys } = options.handshake ?? {};
      const fingerprint = [...services.keys()]
        .map((service) => service.fingerprint ?? "")
        .sort()
        .join(",");
      const known = [...services.keys()].flatMap(({ methods }) => Object.values(methods).map(({ route }) => route));
      printed = [...new Set(known)].sort();
      const nano = {
        v: 1,
        fingerprint,
        codes: withCodes,
        inflate: inflate && canInflate() ? ["zlib"] : [],
        dictionary: dictionary ?? "printed",
        ...(options.tracing ? { trace: true } : {}),
        ...(resume ? { resume } : {}),
      };
      return {
        sys: { ...sys, platform, clientVersion: version, serializer: encoding, nano },
        user,
      };
    },
    admitted({ sys: { serializer, dict, nano } }) {
      bodies = createBodyCodec(serializer, serializers);
      if (!bodies)
        throw new NanoError({ code: "unimplemented", message: `the server speaks "${serializer}", which this client does not` });
      traced = nano?.trace === true;
      if (nano?.dictionary === "known") {
        if (dictionary === undefined) learn(printed.map((route, at) => [route, at + 1]));
        return;
      }
      dictionary = nano?.dictionary;
      learn(Object.entries(dict));
    },
    codeOf: (route) => codes.get(route),
    routeOf: (code) => routes.get(code),
  };
}
