import { encodeHandshakeAnswer, type NanoAnswer } from "../handshake/index.ts";
import type { ClientForm } from "./client-form.ts";
import type { NanoPart } from "./connection-host.ts";

// What nano clients are told that get no session.
const nano: NanoAnswer = { v: 1, session: "", ticket: "", windowMs: 0, epoch: 0, received: 0, resumed: false };

/** The answer that lets a client in. @param part For clients that sent `sys.nano`. @param traced Whether its messages may carry places in traces. */
export function accepting(
  heartbeatMs: number,
  { encoding, table, tableKnown }: ClientForm,
  part: NanoPart | undefined,
  traced: boolean,
): Uint8Array {
  const dict = table && !tableKnown ? Object.fromEntries(table.codes) : {};
  const sys = { heartbeat: heartbeatMs / 1_000, dict, serializer: encoding.name };
  const dictionary = tableKnown ? "known" : table?.name;
  return encodeHandshakeAnswer({
    code: 200,
    sys: part ? { ...sys, nano: { v: 1, ...part, dictionary, ...(traced ? { trace: true } : {}) } } : sys,
  });
}

/** The answer that does not. A kick follows: it says why, to machines. @param afterMs When nano clients are to come back, if they are. */
export function refusing(heartbeatMs: number, code: number, message: string, afterMs: number | undefined): Uint8Array {
  const sys = { heartbeat: heartbeatMs / 1_000, dict: {}, serializer: "json" };
  return encodeHandshakeAnswer({
    code,
    sys: afterMs === undefined ? sys : { ...sys, nano: { ...nano, retry: { afterMs } } },
    message,
  });
}
