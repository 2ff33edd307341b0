import { Delivery } from "../../../gen/nano/options_pb.ts";
import type { MethodModel } from "../../../plugin/model.ts";
import { optionAt } from "./compare-policy.ts";
import type { Note } from "./finding.ts";

// The more of its pushes a client may miss, the further down.
const classes = [Delivery.REPLAY, Delivery.LATEST, Delivery.DROPPABLE] as const;
const words = {
  [Delivery.REPLAY]: "every one",
  [Delivery.LATEST]: "the newest",
  [Delivery.DROPPABLE]: "those that fit",
} as const;

/** Whether clients may miss what they heard before. */
export function comparePush(name: string, was: MethodModel, is: MethodModel, note: Note): void {
  const [old, now] = [deliveryOf(was), deliveryOf(is)];
  const at = optionAt(is, "delivery");
  if (old !== now) {
    const change = `of ${name} clients got ${words[old]} and get ${words[now]}`;
    if (classes.indexOf(now) > classes.indexOf(old)) note("mayBreak", "DELIVERY_WEAKENED", at, `${change}: they may miss some`);
    else note("safe", "DELIVERY_STRENGTHENED", at, change);
    return;
  }
  const [by, other] = [was.policy.latestBy, is.policy.latestBy];
  if (by === other) return;
  const change = `${name} kept the newest by ${by ?? "nothing"} and keeps it by ${other ?? "nothing"}`;
  if (by === undefined) note("safe", "LATEST_BY_ADDED", optionAt(is, "latestBy"), change);
  else note("mayBreak", "LATEST_BY_CHANGED", optionAt(is, "latestBy"), `${change}: clients may miss some`);
}

function deliveryOf({ policy }: MethodModel): (typeof classes)[number] {
  return classes.find((each) => each === policy.delivery) ?? Delivery.REPLAY;
}
