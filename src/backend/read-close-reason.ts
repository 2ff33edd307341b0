import type { CloseReason as CloseReasonMessage } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { CloseReason } from "../error/index.ts";

const kinds = new Set<string>(["left", "lost", "kicked", "replaced", "draining", "protocol"] satisfies CloseReason["kind"][]);

/** Why a session ended, as its frontend says. */
export function readCloseReason(reason: CloseReasonMessage | undefined): CloseReason {
  const kind = reason?.kind ?? "";
  return {
    // A kind that this version does not know still ends the session.
    kind: kinds.has(kind) ? (kind as CloseReason["kind"]) : "lost",
    ...(reason?.code ? { code: reason.code } : {}),
    message: reason?.message ?? "",
  };
}
