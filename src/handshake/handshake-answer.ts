import {
  asObject,
  HandshakeError,
  type JsonObject,
  optionalNumber,
  optionalText,
  own,
  readObject,
  writeAscii,
} from "./json-value.ts";

/** What only nano clients are answered, as `sys.nano`. */
export interface NanoAnswer {
  readonly v: number;
  /** The session's public id. */
  readonly session: string;
  /** What the session is resumed with. Empty: it cannot be. */
  readonly ticket: string;
  /** How long a session outlives its socket. */
  readonly windowMs: number;
  readonly epoch: number;
  /** How many Data packets of the client the server has counted. */
  readonly received: number;
  readonly resumed: boolean;
  /** Why the session is a new one. */
  readonly reset?: string | undefined;
  /** Whether the server reads places in traces before bodies. */
  readonly trace?: boolean | undefined;
  /** The name of the dictionary that comes with the answer; "known" where the client has it already, and none comes. */
  readonly dictionary?: string | undefined;
  /** When, and where, to try again. */
  readonly retry?: { readonly afterMs: number; readonly url?: string | undefined } | undefined;
}

/** What the server says to a handshake. 200 lets the client in. */
export interface HandshakeAnswer {
  readonly code: number;
  readonly sys: {
    /** Whole seconds between the server's heartbeats. */
    readonly heartbeat: number;
    /** Routes to codes. */
    readonly dict: Readonly<Record<string, number>>;
    /** The encoding of bodies. */
    readonly serializer: string;
    readonly nano?: NanoAnswer | undefined;
  };
  /** Why the client was refused. */
  readonly message?: string | undefined;
}

/** Writes an answer. */
export function encodeHandshakeAnswer(answer: HandshakeAnswer): Uint8Array {
  return writeAscii(answer);
}

/** Reads an answer. Throws HandshakeError where it is no JSON object, or a known field has another type. */
export function parseHandshakeAnswer(bytes: Uint8Array): HandshakeAnswer {
  const object = readObject(bytes, "the answer to the handshake");
  const given = own(object, "sys");
  const sys = given === undefined || given === null ? {} : asObject(given, "sys");
  const nano = own(sys, "nano");
  return {
    code: optionalNumber(object, "code") ?? 0,
    sys: {
      heartbeat: optionalNumber(sys, "heartbeat") ?? 0,
      dict: parseDictionary(own(sys, "dict")),
      serializer: optionalText(sys, "serializer") ?? "json",
      nano: nano === undefined || nano === null ? undefined : parseNano(asObject(nano, "sys.nano")),
    },
    message: optionalText(object, "message"),
  };
}

function parseDictionary(given: unknown): Record<string, number> {
  if (given === undefined || given === null) return {};
  const dictionary: Record<string, number> = Object.create(null);
  for (const [route, code] of Object.entries(asObject(given, "dict"))) {
    if (typeof code !== "number" || !Number.isInteger(code) || code < 0 || code > 0xffff) {
      throw new HandshakeError(`the code of ${route} is none`);
    }
    dictionary[route] = code;
  }
  return dictionary;
}

function parseNano(nano: JsonObject): NanoAnswer {
  const retry = own(nano, "retry");
  return {
    v: optionalNumber(nano, "v") ?? 1,
    session: optionalText(nano, "session") ?? "",
    ticket: optionalText(nano, "ticket") ?? "",
    windowMs: optionalNumber(nano, "windowMs") ?? 0,
    epoch: optionalNumber(nano, "epoch") ?? 0,
    received: optionalNumber(nano, "received") ?? 0,
    resumed: own(nano, "resumed") === true,
    reset: optionalText(nano, "reset"),
    trace: own(nano, "trace") === true || undefined,
    dictionary: optionalText(nano, "dictionary"),
    retry: retry === undefined || retry === null ? undefined : parseRetry(asObject(retry, "retry")),
  };
}

function parseRetry(retry: JsonObject): NonNullable<NanoAnswer["retry"]> {
  return { afterMs: optionalNumber(retry, "afterMs") ?? 0, url: optionalText(retry, "url") };
}
