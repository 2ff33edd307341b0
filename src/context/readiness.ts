/** Why a server is not ready, or might be better. `no link to room`: servers of that type are ready, and this frontend reaches none of them. */
export type ReadinessReason = "starting" | "draining" | "stopped" | "discovery away" | `no link to ${string}`;

/** Whether a server takes new work, for whoever sends it some: a probe, a load balancer. */
export interface Readiness {
  readonly state: "starting" | "ready" | "draining" | "stopped";
  /** True from the end of `start` to the beginning of a drain; also while discovery is out of reach, for the cluster goes on with what it knows; not where a frontend reaches no server of a type that its clients need. */
  readonly ready: boolean;
  /** Empty where all is well. */
  readonly reasons: readonly ReadinessReason[];
}
