import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { MessageCheck } from "./check.ts";
import type { Codec } from "./codec.ts";
import type { Delivery, MethodPolicy } from "./policy.ts";

/** A method that answers. */
export interface Request<I extends Message, O extends Message> extends MethodPolicy {
  readonly kind: "request";
  readonly method: DescMethod;
  readonly route: string;
  readonly input: Codec<I>;
  readonly output: Codec<O>;
  /** The message's validation rules, where all of them are printed. */
  readonly check?: MessageCheck<I>;
}

/** A method that a client tells. */
export interface Notify<I extends Message> extends MethodPolicy {
  readonly kind: "notify";
  readonly method: DescMethod;
  readonly route: string;
  readonly input: Codec<I>;
  /** The message's validation rules, where all of them are printed. */
  readonly check?: MessageCheck<I>;
}

/** A method that tells a client. */
export interface Push<O extends Message> {
  readonly kind: "push";
  readonly method: DescMethod;
  readonly route: string;
  readonly output: Codec<O>;
  /** The default is "replay". */
  readonly delivery?: Delivery;
  /** With "latest": the field (its local name) by which only the newest waits. The default is one for the whole route. */
  readonly latestBy?: string;
}

/** What a service answers. */
export type Method = Request<Message, Message> | Notify<Message>;
