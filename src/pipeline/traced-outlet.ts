import type { DescMethod } from "@bufbuild/protobuf";
import type { CallSpan } from "../tracing/index.ts";
import type { Outlet } from "./run.ts";

/** Ends a span with the outcome of its call. */
export function tracedOutlet(span: CallSpan, outlet: Outlet): Outlet {
  return {
    answered(body) {
      span.end();
      outlet.answered(body);
    },
    failed(reason, stage) {
      span.end(reason);
      outlet.failed(reason, stage);
    },
  };
}

/** A method as traces name it: "chat.v1.RoomService/Join". */
export function tracedName({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}
