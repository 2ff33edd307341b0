import { inflateZlib } from "../compression/index.ts";
import { type DecodedMessage, decodeMessage, decodeTracePlace, MessageError, MessageKind } from "../message/index.ts";
import type { ClientForm } from "./client-form.ts";
import { ClientMessage } from "./client-message.ts";
import type { ConnectedSession, ConnectionHost } from "./connection-host.ts";
import type { Pace } from "./rate.ts";

/** Reads the messages of one connection, in the form that its handshake settled. */
export class MessageReader {
  readonly form: ClientForm;
  readonly #traced: boolean;
  readonly #host: Pick<ConnectionHost, "limits" | "counters" | "routeTexts">;
  #message: DecodedMessage | undefined;

  /** @param traced Whether places in traces stand before bodies where messages say so. */
  constructor(form: ClientForm, traced: boolean, host: Pick<ConnectionHost, "limits" | "counters" | "routeTexts">) {
    this.form = form;
    this.#traced = traced;
    this.#host = host;
  }

  /** Gives a message to its session, or refuses it where too much comes. Throws what breaks the protocol. */
  read(buffer: Uint8Array, from: number, to: number, session: ConnectedSession, atMs: number): Pace {
    const message = decodeMessage(buffer, from, to, this.#message, this.#host.routeTexts);
    this.#message = message;
    this.#host.counters.messages++;
    if (message.kind !== MessageKind.request && message.kind !== MessageKind.notify) {
      throw new MessageError("clients send requests and notifies only");
    }
    const route = message.route ?? this.form.table?.routeOf(message.code);
    if (route === undefined) throw new MessageError(`the code ${message.code} is not in the dictionary`);
    const { id, bodyTo } = message;
    const place = message.traced && this.#traced ? decodeTracePlace(buffer, message.bodyFrom, bodyTo) : undefined;
    const bodyFrom = place ? place.bodyFrom : message.bodyFrom;
    const kind = message.kind === MessageKind.request ? "request" : "notify";
    let pace = session.pace(atMs, 1, to - from);
    if (pace === "within") {
      const trace = place && { traceparent: place.traceparent, tracestate: "" };
      const came = new ClientMessage(kind, id, route, atMs, buffer, bodyFrom, bodyTo, trace);
      if (message.compressed) {
        // libpitaya deflates whatever gets smaller (rule 3).
        came.bytes = inflateZlib(buffer.subarray(bodyFrom, bodyTo), this.#host.limits.packetBytes);
        came.from = 0;
        came.to = came.bytes.length;
        pace = session.pace(atMs, 0, Math.max(0, came.to - (bodyTo - bodyFrom)));
      }
      if (pace === "within") session.receive(came, this.form);
      // Who answers later asks later.
      if (!came.over) came.keep();
    }
    if (pace === "over") session.tooFast({ kind, id, route });
    return pace;
  }
}
