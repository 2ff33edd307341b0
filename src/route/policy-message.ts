import { create, type DescMessage } from "@bufbuild/protobuf";
import {
  Access,
  Delivery as DeliveryOption,
  LimitSchema,
  type Method as MethodOptions,
  MethodSchema,
  Order,
} from "../../gen/nano/options_pb.ts";
import { type Delivery, defaultTimeoutMs, type MethodPolicy, type RouteBy } from "../contract/index.ts";
import { codes } from "../error/index.ts";

/** A method's policy with every default filled in, as it travels in a server's schema. Fields are named by their local names. */
export interface RoutePolicy {
  readonly access: "bound" | "public";
  readonly roles: readonly string[];
  readonly timeoutMs: number;
  readonly limit: { readonly perSecond: number; readonly burst: number } | undefined;
  readonly maxBytes: number | undefined;
  readonly by: RouteBy;
  readonly own: boolean;
  readonly order: "serial" | "concurrent";
  readonly maxConcurrent: number;
  readonly delivery: Delivery;
  readonly latestBy: string | undefined;
  readonly validate: boolean | undefined;
  readonly errors: readonly string[];
}

/** A printed policy as the message of the options file; field names as they stand in the .proto. */
export function toMethodOptions(
  policy: MethodPolicy,
  push: { readonly delivery?: Delivery; readonly latestBy?: string },
  message: DescMessage,
): MethodOptions {
  const field = (localName: string): string => message.fields.find((one) => one.localName === localName)?.name ?? localName;
  const by = policy.by ?? "any";
  return create(MethodSchema, {
    ...(policy.access ? { access: policy.access === "public" ? Access.PUBLIC : Access.BOUND } : {}),
    roles: [...(policy.roles ?? [])],
    ...(policy.timeoutMs === undefined ? {} : { timeoutMs: policy.timeoutMs }),
    ...(policy.limit ? { limit: create(LimitSchema, policy.limit) } : {}),
    ...(policy.maxBytes === undefined ? {} : { maxBytes: policy.maxBytes }),
    routeBy:
      by === "any"
        ? { case: undefined }
        : by === "sticky"
          ? { case: "sticky", value: true }
          : { case: "key", value: field(by.key) },
    ...(policy.own === undefined ? {} : { own: policy.own }),
    ...(policy.order ? { order: policy.order === "serial" ? Order.SERIAL : Order.CONCURRENT } : {}),
    ...(policy.maxConcurrent === undefined ? {} : { maxConcurrent: policy.maxConcurrent }),
    ...(push.delivery ? { delivery: deliveries[push.delivery] } : {}),
    ...(push.latestBy ? { latestBy: field(push.latestBy) } : {}),
    errors: codes.flatMap((code) => {
      const error = policy.errors?.[code];
      if (!error) return [];
      return [
        {
          code,
          detail: error.detail?.schema.typeName ?? "",
          ...(error.retryable === undefined ? {} : { retryable: error.retryable }),
        },
      ];
    }),
    ...(policy.validate === undefined ? {} : { validate: policy.validate }),
  });
}

/** The other way, for whoever reads another server's schema. */
export function fromMethodOptions(options: MethodOptions | undefined, message: DescMessage): RoutePolicy {
  const local = (name: string): string => message.fields.find((one) => one.name === name)?.localName ?? name;
  const by = options?.routeBy;
  return {
    access: options?.access === Access.PUBLIC ? "public" : "bound",
    roles: options?.roles ?? [],
    timeoutMs: options?.timeoutMs || defaultTimeoutMs,
    // None a second is no limit that anybody means: the plugin does not let it pass.
    limit: options?.limit?.perSecond
      ? { perSecond: options.limit.perSecond, burst: options.limit.burst || options.limit.perSecond }
      : undefined,
    maxBytes: options?.maxBytes || undefined,
    by: by?.case === "key" ? { key: local(by.value) } : by?.case === "sticky" && by.value ? "sticky" : "any",
    own: options?.own ?? false,
    order: options?.order === Order.CONCURRENT ? "concurrent" : "serial",
    maxConcurrent: options?.maxConcurrent || 16,
    delivery:
      options?.delivery === DeliveryOption.LATEST
        ? "latest"
        : options?.delivery === DeliveryOption.DROPPABLE
          ? "droppable"
          : "replay",
    latestBy: options?.latestBy ? local(options.latestBy) : undefined,
    validate: options?.validate,
    errors: options?.errors.map((error) => error.code) ?? [],
  };
}

const deliveries = {
  replay: DeliveryOption.REPLAY,
  latest: DeliveryOption.LATEST,
  droppable: DeliveryOption.DROPPABLE,
} as const;
