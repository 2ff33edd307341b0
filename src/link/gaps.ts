import type { Push } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { Clock } from "../clock/index.ts";
import { GapReport } from "./gap-report.ts";

// A server that was away for longer has no sessions of then.
const forgetMs = 60_000;

/** To whom pushes were lost, until their frontend can be told. */
export class Gaps {
  readonly #clock: Clock;
  readonly #reports = new Map<bigint, { readonly report: GapReport; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A link to a frontend has ended with these. */
  add(incarnation: bigint, pushes: readonly Push[]): void {
    const report = this.#reports.get(incarnation)?.report ?? new GapReport();
    for (const push of pushes) report.add(push);
    report.forgetHandles();
    if (!report.empty) this.#reports.set(incarnation, { report, atMs: this.#clock.now() });
  }

  /** Takes what a frontend must be told. */
  take(incarnation: bigint): GapReport | undefined {
    const found = this.#reports.get(incarnation);
    this.#reports.delete(incarnation);
    return found?.report;
  }

  sweep(): void {
    const now = this.#clock.now();
    for (const [incarnation, { atMs }] of this.#reports) if (now - atMs >= forgetMs) this.#reports.delete(incarnation);
  }
}
