import type { DescMessage } from "@bufbuild/protobuf";
import type { CallSite, ServerCall } from "../context/index.ts";
import type { Check, Method } from "../contract/index.ts";
import { type CallCounter, createCallCounter } from "../metrics/index.ts";
import type { Step } from "./step.ts";

/** One method with what answers it. */
export interface Entry {
  readonly method: Method;
  /** The server type of its service. */
  readonly type: string;
  readonly sessionSchema: DescMessage | undefined;
  /** The message and the field that its calls are owned by, where they are. */
  readonly ownedBy: { readonly type: string; readonly input: DescMessage; readonly field: string } | undefined;
  /** What its messages must pass by the rules of the schema; undefined where there are none. */
  readonly check: Check | undefined;
  /** The user's method. What it gives is checked when it is encoded. */
  readonly invoke: (message: never, ctx: ServerCall) => unknown;
  readonly steps: readonly Step[];
}

/** A method on a server, and what its calls share there. */
export interface At {
  readonly entry: Entry;
  readonly site: CallSite;
  readonly counter: CallCounter;
}

/** Entries by route, each with what its calls have in common on one server. */
export function atSites(
  entries: ReadonlyMap<string, Entry>,
  { cluster, log }: Pick<CallSite, "cluster" | "log">,
): ReadonlyMap<string, At> {
  return new Map(
    [...entries].map(([route, entry]) => {
      const { type, sessionSchema } = entry;
      return [route, { entry, site: { cluster, log, route, type, sessionSchema }, counter: createCallCounter() }];
    }),
  );
}
