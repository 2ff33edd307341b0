import { fromCesu8 } from "../text/index.ts";
import { asObject, HandshakeError, type JsonObject, optionalNumber, optionalText, own, readObject } from "./json-value.ts";

/** What only nano clients send, as `sys.nano`. */
export interface NanoRequest {
  /** The version of this part; 1. */
  readonly v: number;
  /** Names the generated code of the client. */
  readonly fingerprint?: string | undefined;
  /** Whether pushes may come with codes of the dictionary. */
  readonly codes?: boolean | undefined;
  /** What bodies may be deflated with. */
  readonly inflate?: readonly string[] | undefined;
  /** Whether it puts places in traces before bodies, where the server reads them. */
  readonly trace?: boolean | undefined;
  /** The dictionary that it keeps from a connection before, by the name that the server gave it. */
  readonly dictionary?: string | undefined;
  /** The session to come back to. */
  readonly resume?: { readonly ticket: string; readonly received: number } | undefined;
}

/** What a client says first. Every field is optional; unknown ones are ignored. */
export interface HandshakeRequest {
  readonly sys: {
    readonly platform?: string | undefined;
    readonly libVersion?: string | undefined;
    readonly clientBuildNumber?: string | undefined;
    readonly clientVersion?: string | undefined;
    /** Of pomelo's clients, as "js-websocket". */
    readonly type?: string | undefined;
    readonly version?: string | undefined;
    /** The encoding of bodies; absent: the server's default. */
    readonly serializer?: string | undefined;
    readonly nano?: NanoRequest | undefined;
  };
  readonly user?: unknown;
}

/** Reads a handshake. Throws HandshakeError where it is no JSON object, or a known field has another type. */
export function parseHandshakeRequest(bytes: Uint8Array): HandshakeRequest {
  const object = readObject(fromCesu8(bytes), "the handshake");
  const user = own(object, "user");
  if (user !== undefined && user !== null) asObject(user, "user");
  const given = own(object, "sys");
  const sys = given === undefined || given === null ? {} : asObject(given, "sys");
  const nano = own(sys, "nano");
  return {
    sys: {
      platform: optionalText(sys, "platform"),
      libVersion: optionalText(sys, "libVersion"),
      clientBuildNumber: optionalText(sys, "clientBuildNumber"),
      clientVersion: optionalText(sys, "clientVersion"),
      type: optionalText(sys, "type"),
      version: optionalText(sys, "version"),
      serializer: optionalText(sys, "serializer"),
      nano: nano === undefined || nano === null ? undefined : parseNano(asObject(nano, "sys.nano")),
    },
    user: user ?? undefined,
  };
}

/** Writes a handshake. */
export function encodeHandshakeRequest(request: HandshakeRequest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(request));
}

/**
 * A family of clients: `nano` sends `sys.nano`; `pitaya` (libpitaya, pitaya-cli, the Go client) names a platform, library or build;
 * `pomelo` (the JavaScript clients, libpomelo2) names a type.
 */
export type ClientFamily = "nano" | "pitaya" | "pomelo" | "other";

/** Which family of clients it is, by what it says of itself. */
export function clientFamily({ sys }: HandshakeRequest): ClientFamily {
  if (sys.nano) return "nano";
  if (sys.libVersion !== undefined || sys.clientBuildNumber !== undefined || sys.platform !== undefined) return "pitaya";
  return sys.type === undefined ? "other" : "pomelo";
}

/** Whether JSON must be ASCII for it: the browser clients of pomelo garble everything beyond (clients.md, rule 11). */
export function asciiJson({ sys }: HandshakeRequest): boolean {
  return sys.type?.startsWith("js") ?? false;
}

/**
 * Whether it reads routes as codes of the dictionary that the handshake's answer brings (clients.md, rule 1): a nano client that says so,
 * and pomelo's in JavaScript. libpitaya and libpomelo2 crash on a code.
 */
export function usesCodes(request: HandshakeRequest): boolean {
  const { nano, type } = request.sys;
  return nano ? nano.codes === true : clientFamily(request) === "pomelo" && type?.startsWith("js-") === true;
}

/**
 * Whether it inflates bodies (clients.md, rule 2): a nano client that says so, and what names a library as libpitaya and Pitaya's Go
 * client do. Every other client takes a deflated body for JSON.
 */
export function inflatesZlib(request: HandshakeRequest): boolean {
  const { nano, type, platform, libVersion } = request.sys;
  if (nano) return nano.inflate?.includes("zlib") ?? false;
  return type === undefined && platform !== undefined && libVersion !== undefined;
}

function parseNano(nano: JsonObject): NanoRequest {
  const codes = own(nano, "codes") ?? undefined;
  const inflate = own(nano, "inflate");
  const resume = own(nano, "resume");
  if (codes !== undefined && typeof codes !== "boolean") throw new HandshakeError("codes is neither true nor false");
  return {
    v: optionalNumber(nano, "v") ?? 1,
    fingerprint: optionalText(nano, "fingerprint"),
    codes,
    inflate: Array.isArray(inflate) ? inflate.filter((name) => typeof name === "string") : undefined,
    trace: own(nano, "trace") === true || undefined,
    dictionary: optionalText(nano, "dictionary"),
    resume: resume === undefined || resume === null ? undefined : parseResume(asObject(resume, "resume")),
  };
}

function parseResume(resume: JsonObject): NonNullable<NanoRequest["resume"]> {
  return { ticket: optionalText(resume, "ticket") ?? "", received: optionalNumber(resume, "received") ?? 0 };
}
