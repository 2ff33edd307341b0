import type { DescMessage } from "@bufbuild/protobuf";
import { toBinary } from "@bufbuild/protobuf";
import { ErrorSchema, FailedSchema, GoneSchema } from "../../gen/nano/client/v1/client_pb.ts";
import type { ByteWriter } from "../contract/index.ts";
import { NanoError, toWireError } from "../error/index.ts";
import { MessageKind } from "../message/index.ts";
import type { FrontendCounters } from "../metrics/index.ts";
import type { LogEntry } from "../session/index.ts";
import type { ClientForm } from "./client-form.ts";
import type { DescribedError, ErrorAbout } from "./describe-error.ts";
import type { SharedPushes } from "./shared-pushes.ts";
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
  readonly sharedPushes: SharedPushes;
  /** How an error is told. */
  describe(error: NanoError, about: ErrorAbout): DescribedError;
  /** An answer or push was too large to be sent. */
  oversized(route: string, bytes: number): void;
}

/**
 * Turns what a log holds into messages of one form: in its encoding, as its family of clients understands them. All connections of a form have one
 * between them, so that what each push needs of it is near.
 */
export class LogWriter {
  readonly #form: ClientForm;
  readonly #host: LogWriterHost;

  constructor(form: ClientForm, host: LogWriterHost) {
    this.#form = form;
    this.#host = host;
  }

  /** Lays an answer of this moment, all that lies in a writer. False where it needs more than that. */
  lay(packets: PacketWriter, id: number, body: ByteWriter): boolean {
    const { encoding, deflatesFrom } = this.#form;
    const { length } = body;
    // An empty body may have to be padded.
    if (!encoding.plain || length === 0 || length >= deflatesFrom || length > this.#host.limits.packetOutBytes) return false;
    packets.answer(id, body);
    return true;
  }

  /** Lays an entry, or what tells of it. */
  write(packets: PacketWriter, entry: LogEntry): void {
    if (entry.kind === "push") this.#push(packets, entry);
    else if (entry.kind === "answer") this.#answer(packets, entry);
    else this.#failure(packets, entry, entry.error ?? new NanoError({ code: "internal", message: "internal error" }));
  }

  #push(packets: PacketWriter, entry: LogEntry): void {
    const frames = this.#host.sharedPushes.framesOf(entry);
    const ready = frames?.of(this.#form, packets.framing);
    if (ready) {
      packets.again(ready);
      this.#host.counters.pushesSent[entry.delivery]++;
      return;
    }
    const before = packets.length;
    this.#encodePush(packets, entry);
    if (frames && packets.length > before) frames.keep(this.#form, packets.framing, packets.since(before));
  }

  #encodePush(packets: PacketWriter, entry: LogEntry): void {
    const message = reserved(entry.route) ?? this.#host.messages(entry.route);
    let body: Uint8Array;
    try {
      // Without its schema a push can only be handed on as it is.
      body = message ? this.#form.encoding.encode(message, entry.body) : this.#untouched(entry);
    } catch {
      this.#host.counters.pushesUnknown++;
      return;
    }
    if (this.#oversized(entry.route, body)) return;
    // A text route, unless the client is known to read codes: some break on one (rule 1).
    this.#host.counters.pushesSent[entry.delivery]++;
    const code = this.#form.table?.codes.get(entry.route) ?? -1;
    const deflated = this.#form.deflate(body);
    const compressed = deflated !== undefined;
    packets.message({ kind: MessageKind.push, id: 0, route: entry.route, code, compressed, error: false }, deflated ?? body);
  }

  #answer(packets: PacketWriter, entry: LogEntry): void {
    let body: Uint8Array;
    try {
      const message = entry.schema ?? this.#host.messages(entry.route);
      body = message ? this.#form.encoding.encode(message, entry.body) : this.#untouched(entry);
    } catch {
      this.#failure(packets, entry, new NanoError({ code: "internal", message: "the answer cannot be encoded" }));
      return;
    }
    if (this.#oversized(entry.route, body)) {
      this.#failure(packets, entry, new NanoError({ code: "resource_exhausted", message: "the answer is too large" }));
    } else this.#response(packets, entry.id, false, body);
  }

  #failure(packets: PacketWriter, { id, route }: LogEntry, error: NanoError): void {
    const { encoding, family } = this.#form;
    const told = this.#host.describe(error, { route, family });
    const wire = told instanceof NanoError ? toWireError(told) : toWireError(error);
    let body: Uint8Array;
    try {
      body =
        told instanceof NanoError
          ? encoding.encode(ErrorSchema, toBinary(ErrorSchema, wire))
          : encoding.encode(told.schema, told.body);
    } catch {
      // A detail of a type that this frontend does not know has no JSON.
      body = encoding.encode(ErrorSchema, toBinary(ErrorSchema, { ...wire, details: [] }));
    }
    // pomelo's clients ignore the flag, and libpomelo2 disconnects on it (clients.md, rule 10).
    this.#response(packets, id, family !== "pomelo", body);
  }

  #response(packets: PacketWriter, id: number, error: boolean, body: Uint8Array): void {
    const deflated = this.#form.deflate(body);
    const compressed = deflated !== undefined;
    packets.message({ kind: MessageKind.response, id, route: undefined, code: -1, compressed, error }, deflated ?? body);
  }

  #oversized(route: string, body: Uint8Array): boolean {
    if (body.length <= this.#host.limits.packetOutBytes) return false;
    this.#host.counters.limits.packetOutBytes++;
    this.#host.oversized(route, body.length);
    return true;
  }

  #untouched(entry: LogEntry): Uint8Array {
    if (this.#form.encoding.name === "protobuf") return entry.body;
    throw new NanoError({ code: "internal", message: `${entry.route} is not in any schema` });
  }
}

function reserved(route: string): DescMessage | undefined {
  return route === failedRoute ? FailedSchema : route === goneRoute ? GoneSchema : undefined;
}
