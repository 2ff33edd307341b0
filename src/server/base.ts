import type { DescMessage } from "@bufbuild/protobuf";
import {
  type Clock,
  createDeadlineSweep,
  type DeadlineSweep,
  type Random,
  ReadClock,
  systemClock,
  systemRandom,
} from "../clock/index.ts";
import { aloneScope } from "../context/index.ts";
import { type ResolvedLimits, resolveLimits } from "../frontend/index.ts";
import { createJsonLogger, type Logger, redactMessages, withFields } from "../logger/index.ts";
import { type ClusterCounters, createClusterCounters } from "../metrics/index.ts";
import { type Net, systemNet } from "../net/index.ts";
import type { ServerSessionHooks } from "../session/index.ts";
import { createTracing, type Tracing } from "../tracing/index.ts";
import type { ServerOptions } from "./server-options.ts";

/** What every part of one server stands on: who it is, and what it was given. */
export interface Base {
  readonly id: string;
  readonly incarnation: bigint;
  /** The first is what groups and keys named outside of a call belong to. */
  readonly types: readonly string[];
  readonly isFrontend: boolean;
  readonly clock: Clock;
  /** The clock, for what happens at once where clients are read. */
  readonly time: ReadClock;
  readonly random: Random;
  readonly net: Net;
  readonly log: Logger;
  readonly limits: ResolvedLimits;
  readonly deadlines: DeadlineSweep;
  /** What the cluster port and discovery turn away. */
  readonly counters: ClusterCounters;
  readonly tracing: Tracing | undefined;
  /** What happens to sessions here; what hooks push begins traces of its own. */
  readonly hooks: readonly ServerSessionHooks[];
}

/**
 * Throws a RangeError for limits that make no sense.
 *
 * @param messageOf The schema of a message by its type's name: messages in the log are shown without what it marks as secret.
 */
export function createBase(
  options: ServerOptions,
  types: readonly string[],
  messageOf: (typeName: string) => DescMessage | undefined,
): Base {
  const { clock = systemClock, random = systemRandom, net = systemNet } = options;
  const incarnation = new DataView(random.bytes(8).buffer).getBigUint64(0);
  const id = options.id ?? `${types[0] ?? "server"}-${(incarnation & 0xff_ffffn).toString(16)}`;
  const lines =
    options.log ??
    createJsonLogger({ sink: { write: (line) => void process.stderr.write(`${line}\n`) }, now: () => clock.wallNow() });
  const tracing = options.tracing && createTracing(options.tracing);
  const { mustLive } = aloneScope(tracing);
  return {
    ...{ id, incarnation, types, clock, random, net },
    time: new ReadClock(clock),
    isFrontend: (options.acceptors ?? []).length > 0,
    log: withFields(redactMessages(lines, messageOf), { server: id }),
    limits: resolveLimits(options.limits),
    deadlines: createDeadlineSweep(clock),
    counters: createClusterCounters(),
    tracing,
    hooks: (options.sessions ?? []).map((hook) => ({ attach: (core) => hook.attach(core, mustLive) })),
  };
}
