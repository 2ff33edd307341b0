import { toBinary } from "@bufbuild/protobuf";
import type { KickCode } from "../error/index.ts";
import type { DataPatch, Handshake } from "../session/index.ts";
import type { WholeMessage } from "./whole-message.ts";

/** Who a client is, as far as its handshake shows. */
export interface Authenticated {
  /** The session is this user's before its first message; without one it has none yet. */
  readonly user?: string;
  readonly roles?: readonly string[];
  /** The session's data to begin with: a whole message, made with `create`. */
  readonly data?: WholeMessage;
}

/** Why a client may not come in. It is told, and does not come back by itself. */
export interface Refusal {
  readonly code: KickCode;
  readonly reason: string;
}

/**
 * Decides on a client by what its handshake says, within the handshake's deadline. Undefined lets it in without a user.
 * On a resume (`handshake.resumed`) only a refusal counts. What it throws is logged and refuses with `internal`.
 */
export type Authenticate = (
  handshake: Handshake,
) => Authenticated | Refusal | undefined | Promise<Authenticated | Refusal | undefined>;

/** A first state of a session's data, as a patch over nothing. */
export function firstData(data: WholeMessage): DataPatch {
  return { type: data.schema.typeName, fields: toBinary(data.schema, data.message), cleared: [] };
}
