import { Access, Delivery, Order } from "../../../gen/nano/options_pb.ts";
import type { MethodModel } from "../../../plugin/model.ts";
import { defaultTimeoutMs } from "../../contract/index.ts";

const deliveries: Readonly<Record<Delivery, string>> = {
  [Delivery.UNSPECIFIED]: "replay",
  [Delivery.REPLAY]: "replay",
  [Delivery.LATEST]: "latest",
  [Delivery.DROPPABLE]: "droppable",
};

/** What the schema says of a method, defaults filled in; what is not set and has no default is left out. */
export function policyOf(server: string, { kind, policy, idempotent }: MethodModel): Readonly<Record<string, unknown>> {
  if (kind === "push") {
    const { delivery = Delivery.UNSPECIFIED, latestBy } = policy;
    return { kind, server, delivery: deliveries[delivery], ...(latestBy === undefined ? {} : { latestBy }) };
  }
  const { routeBy, limit, maxBytes, timeoutMs = defaultTimeoutMs, own, order, roles, validate } = policy;
  const client = {
    access: policy.access === Access.PUBLIC ? "public" : "bound",
    ...(roles.length === 0 ? {} : { roles }),
    ...(limit ? { limit: { perSecond: limit.perSecond, burst: limit.burst || limit.perSecond } } : {}),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    order: order === Order.CONCURRENT ? "concurrent" : "serial",
    ...(order === Order.CONCURRENT ? { maxConcurrent: policy.maxConcurrent ?? defaultConcurrent } : {}),
  };
  return {
    kind,
    server,
    ...(kind === "remote" ? {} : client),
    timeoutMs,
    by: routeBy.case === "key" ? { key: routeBy.value } : routeBy.case === "sticky" && routeBy.value ? "sticky" : "any",
    ...(own ? { own } : {}),
    ...(idempotent === "no" ? {} : { idempotent }),
    ...(validate === undefined ? {} : { validate }),
  };
}

const defaultConcurrent = 16;
