import { create } from "@bufbuild/protobuf";
import { ErrorSchema } from "../../gen/nano/client/v1/client_pb.ts";
import { MissedSchema } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Outcome } from "./link.ts";

// More than come between two acknowledgements.
const most = 1_024;

/** What was answered to pushes, as far as it was not that all is well: the same is answered when they come again. */
export class PushAnswers {
  readonly #odd = new Map<bigint, Outcome>();
  #forgotten = 0n;

  given(call: bigint, outcome: Outcome): void {
    if (outcome.case !== "error" && (outcome.case !== "missed" || isEmpty(outcome.value))) return;
    this.#odd.set(call, outcome);
    if (this.#odd.size <= most) return;
    const [oldest = call] = this.#odd.keys();
    this.#odd.delete(oldest);
    if (oldest > this.#forgotten) this.#forgotten = oldest;
  }

  again(call: bigint): Outcome {
    const odd = this.#odd.get(call);
    if (odd) return odd;
    if (call > this.#forgotten) return { case: "missed", value: create(MissedSchema) };
    const error = { code: "unavailable", msg: "what became of the push is not known any more" };
    return { case: "error", value: create(ErrorSchema, error) };
  }
}

function isEmpty({ sessions, users }: { readonly sessions: readonly unknown[]; readonly users: readonly unknown[] }): boolean {
  return sessions.length === 0 && users.length === 0;
}
