import type { Envelope } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { FrameBody } from "./link.ts";

/** What a call carries beside; what is left out is as none. */
export type CallEnvelope = Partial<Omit<Envelope, "$typeName" | "$unknown">>;

/** What a forward says. */
export interface ForwardParts {
  readonly call: bigint;
  readonly handle: number;
  readonly route: string;
  readonly body: Uint8Array;
  readonly notify: boolean;
  readonly envelope: CallEnvelope;
  readonly version: bigint;
}

// Plain objects: for what is sent by the thousand, `create` takes longer than all that the link does with it.

/** A client's message for the server that answers it. */
export function forwardBody({ call, handle, route, body, notify, envelope, version }: ForwardParts): FrameBody {
  const around = whole(envelope);
  return {
    case: "forward",
    value: { $typeName: "nano.cluster.v1.Forward", call, handle, route, body, notify, envelope: around, version },
  };
}

/** One server's question to another. */
export function callBody(call: bigint, route: string, body: Uint8Array, envelope: CallEnvelope): FrameBody {
  return { case: "call", value: { $typeName: "nano.cluster.v1.Call", call, route, body, envelope: whole(envelope) } };
}

function whole({ remainingMs = 0, hops = 0, traceparent = "", tracestate = "", attempt = 0 }: CallEnvelope): Envelope {
  return { $typeName: "nano.cluster.v1.Envelope", remainingMs, hops, traceparent, tracestate, attempt };
}
