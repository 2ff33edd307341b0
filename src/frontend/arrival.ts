import type { HandedOver } from "../../gen/nano/cluster/v1/link_pb.ts";
import type { ServerKey } from "../router/index.ts";
import type { LogEntry, OutgoingPush } from "../session/index.ts";
import type { Ticket } from "./ticket.ts";

/** What is known of a session that has come from another frontend. */
export interface Arrival {
  readonly state: HandedOver;
  /** What the client has not got. */
  readonly log: readonly LogEntry[];
  readonly ticket: Ticket;
  /** How many packets it has. */
  readonly received: number;
  readonly stuck: ReadonlyMap<string, ServerKey>;
}

/** What is pushed to a session before all is known that it was sent elsewhere. */
export class Arriving {
  readonly #pushes: OutgoingPush[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** False where more waits than may. */
  add(push: OutgoingPush): boolean {
    if (this.#pushes.length >= this.#most) return false;
    this.#pushes.push(push);
    return true;
  }

  /** Those that the frontend before has not had. */
  unheard(heard: HandedOver["heard"]): readonly OutgoingPush[] {
    const last = new Map(heard.map(({ incarnation, number }) => [incarnation, number]));
    return this.#pushes.filter(({ of }) => !of || of.number > (last.get(of.incarnation) ?? 0n));
  }
}
