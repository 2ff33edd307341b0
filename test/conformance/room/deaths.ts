import type { SessionContext } from "../../../gen/nano/cluster/v1/link_pb.ts";
import type { ServerRecord } from "../../../gen/nano/cluster/v1/record_pb.ts";
import type { Fault } from "./fault.ts";

/** Who holds a session. */
export type Holder = Pick<SessionContext, "frontend" | "incarnation">;

const leaseMs = 10_000;

/** Finds frontends that have died, and so cannot say it. */
export class Deaths {
  readonly #fault: Fault | undefined;
  /** By incarnation: since when there is no record of it. */
  readonly #missing = new Map<bigint, number>();

  constructor(fault: Fault | undefined) {
    this.#fault = fault;
  }

  /** Whether a frontend is over, by the records that there are now. */
  isOver({ frontend, incarnation }: Holder, records: readonly ServerRecord[]): boolean {
    if (this.#fault === "does not miss frontends") return false;
    const namesakes = records.filter(({ id }) => id === frontend);
    const there = namesakes.some((one) => one.incarnation === incarnation || this.#fault === "knows frontends by their ids");
    if (there) {
      this.#missing.delete(incarnation);
      return false;
    }
    const since = this.#missing.get(incarnation) ?? Date.now();
    this.#missing.set(incarnation, since);
    return namesakes.length > 0 || this.#fault === "buries frontends at once" || Date.now() - since >= leaseMs;
  }
}
