import type { DescMessage } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { ErrorSchema, FailedSchema, GoneSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { NanoError, toWireError } from "../error/index.ts";
import { clientFamily, type HandshakeRequest } from "../handshake/index.ts";
import { MessageKind } from "../message/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import type { LogEntry } from "../session/index.ts";
import type { ClientEncoding } from "./encoding.ts";
import type { PacketWriter } from "./writer.ts";

/** Finds the message of an answer or a push by its route. */
export type RouteMessages = (route: string) => DescMessage | undefined;

/** The push about a notify that was not handled. */
export const failedRoute = "nano.failed";
/** The push about a server that a session was stuck to. */
export const goneRoute = "nano.gone";

/** What a log writer needs of its frontend. */
export interface LogWriterHost {
  readonly limits: { readonly packetOutBytes: number };
  readonly counters: FrontendCounters;
  readonly messages: RouteMessages;
  /** An answer or push was too large to be sent. */
  oversized(route: string, bytes: number): void;
}

/** Turns what a log holds into messages of one connection: in its encoding, as its family of clients understands them. */
export class LogWriter {
  readonly #packets: PacketWriter;
  readonly #encoding: ClientEncoding;
  readonly #host: LogWriterHost;
  readonly #errorFlag: boolean;

  constructor(packets: PacketWriter, encoding: ClientEncoding, host: LogWriterHost, request: HandshakeRequest) {
    this.#packets = packets;
    this.#encoding = encoding;
    this.#host = host;
    // pomelo's clients ignore the flag, and libpomelo2 disconnects on it (clients.md, rule 10).
    this.#errorFlag = clientFamily(request) !== "pomelo";
  }

  write(entry: LogEntry): void {
    if (entry.kind === "push") this.#push(entry);
    else if (entry.kind === "answer") this.#answer(entry);
    else this.#failure(entry.id, entry.error ?? new NanoError({ code: "internal", message: "internal error" }));
  }

  #push(entry: LogEntry): void {
    const message = reserved(entry.route) ?? this.#host.messages(entry.route);
    let body: Uint8Array;
    try {
      // Without its schema a push can only be handed on as it is.
      body = message ? this.#encoding.encode(message, entry.body) : this.#untouched(entry);
    } catch {
      this.#host.counters.pushesUnknown++;
      return;
    }
    if (this.#oversized(entry.route, body)) return;
    // A text route: some clients break on a code (rule 1).
    this.#packets.message({ kind: MessageKind.push, id: 0, route: entry.route, code: -1, compressed: false, error: false }, body);
  }

  #answer(entry: LogEntry): void {
    let body: Uint8Array;
    try {
      const message = this.#host.messages(entry.route);
      body = message ? this.#encoding.encode(message, entry.body) : this.#untouched(entry);
    } catch {
      this.#failure(entry.id, new NanoError({ code: "internal", message: "the answer cannot be encoded" }));
      return;
    }
    if (this.#oversized(entry.route, body)) {
      this.#failure(entry.id, new NanoError({ code: "resource_exhausted", message: "the answer is too large" }));
    } else this.#response(entry.id, false, body);
  }

  #failure(id: number, error: NanoError): void {
    const wire = toBinary(ErrorSchema, toWireError(error));
    let body: Uint8Array;
    try {
      body = this.#encoding.encode(ErrorSchema, wire);
    } catch {
      // A detail of a type that this frontend does not know has no JSON.
      body = this.#encoding.encode(ErrorSchema, toBinary(ErrorSchema, { ...toWireError(error), details: [] }));
    }
    this.#response(id, this.#errorFlag, body);
  }

  #response(id: number, error: boolean, body: Uint8Array): void {
    this.#packets.message({ kind: MessageKind.response, id, route: undefined, code: -1, compressed: false, error }, body);
  }

  #oversized(route: string, body: Uint8Array): boolean {
    if (body.length <= this.#host.limits.packetOutBytes) return false;
    this.#host.counters.limits.packetOutBytes++;
    this.#host.oversized(route, body.length);
    return true;
  }

  #untouched(entry: LogEntry): Uint8Array {
    if (this.#encoding.name === "protobuf") return entry.body;
    throw new NanoError({ code: "internal", message: `${entry.route} is not in any schema` });
  }
}

function reserved(route: string): DescMessage | undefined {
  return route === failedRoute ? FailedSchema : route === goneRoute ? GoneSchema : undefined;
}
