import type { FrontendCounters } from "../metrics/index.ts";
import type { ClientSession } from "./client-session.ts";
import type { Connection } from "./connection.ts";
import type { ResolvedLimits } from "./limits.ts";

/** What a sweep looks at. */
export interface SweepOptions {
  readonly limits: ResolvedLimits;
  readonly counters: FrontendCounters;
  readonly connections: ReadonlySet<Connection>;
  readonly sessions: ReadonlyMap<string, ClientSession>;
  /** Whether any method that clients may call needs a user. */
  readonly needsUser: () => boolean;
}

/** How often the sweep is due. */
export const sweepMs = 1_000;

/** The one timer of all connections: heartbeats, and whoever has taken too long for anything. Gives what to call each period. */
export function createSweep(options: SweepOptions): (nowMs: number) => void {
  const { limits, counters, connections, sessions } = options;

  function handshake(connection: Connection, nowMs: number): void {
    // `authenticate` has a deadline of its own, and its refusal must reach the client.
    if (connection.state === "deciding" || nowMs - connection.waitsSinceMs < limits.handshakeMs) return;
    counters.handshakesRefused.deadline_exceeded++;
    counters.limits.handshakeMs++;
    const message = "the handshake took too long";
    connection.kick({ code: "deadline_exceeded", reason: message }, { kind: "protocol", code: "deadline_exceeded", message });
  }

  function working(connection: Connection, nowMs: number): void {
    const dead = connection.nano ? "deadMs" : "deadOtherMs";
    if (nowMs - connection.lastReceivedAtMs >= limits[dead]) {
      counters.silent++;
      counters.limits[dead]++;
      connection.destroy({ kind: "lost", message: "the client fell silent" });
    } else if (connection.stalled()) {
      counters.limits.stalledMs++;
      connection.tooSlow();
    }
    // Timers come late now and then: a heartbeat may leave half a sweep early, rather than a whole one late.
    else if (nowMs - connection.lastHeartbeatAtMs >= limits.heartbeatMs - sweepMs / 2) connection.heartbeat();
  }

  return (nowMs) => {
    for (const connection of connections) {
      if (connection.acknowledged) working(connection, nowMs);
      else handshake(connection, nowMs);
    }
    if (limits.unboundMs === 0 || !options.needsUser()) return;
    for (const session of sessions.values()) {
      if (session.core.user !== undefined || nowMs - session.openedAtMs < limits.unboundMs) continue;
      counters.limits.unboundMs++;
      void session.end({ kind: "kicked", code: "unauthenticated", message: "the session had no user for too long" });
    }
  };
}
