import type { EchoResult } from "../load/echo.ts";
import { type Process, runLoad } from "../processes.ts";
import { median, ratio } from "../table.ts";

/** How much is measured. */
export interface Effort {
  readonly seconds: number;
  readonly rounds: number;
  readonly connections: number;
  /** Clients whose connections break. */
  readonly clients: number;
  /** Clients whose servers are restarted. */
  readonly deployClients: number;
  /** How long they do. */
  readonly stormSeconds: number;
  /** Where the balancer sends each new connection: anywhere, or those from one address to one frontend. */
  readonly spread: "random" | "source";
}

/** One line of a table: requests to nano, and to the raw limit, in turn. */
export interface EchoCase {
  readonly name: string;
  readonly over: "tcp" | "ws";
  readonly inflight: number;
  /** Requests a second, where it is not as many as come back. */
  readonly rate?: number;
  readonly nano: Side;
  readonly raw: Side;
}

/** A server that is measured, and where it listens. */
export interface Side {
  readonly process: Process;
  readonly port: string;
}

/** What one round has seen. */
export interface Measured {
  readonly perSecond: number;
  readonly p99Us: number;
  readonly load: number;
  /** CPU of the server for one request. */
  readonly cpuUs: number;
}

/** Measures one line. In turn, so that what else the machine does falls on both. */
export async function measureEcho(one: EchoCase, effort: Effort): Promise<Readonly<Record<string, unknown>>> {
  const nano: Measured[] = [];
  const raw: Measured[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    raw.push(await measure(one, one.raw, true, effort));
    nano.push(await measure(one, one.nano, false, effort));
  }
  const of = (side: readonly Measured[], field: keyof Measured): number => median(side.map((each) => each[field]));
  const [nanoCpu, rawCpu] = [of(nano, "cpuUs"), of(raw, "cpuUs")];
  return {
    what: one.name,
    inflight: one.inflight,
    "nano/s": of(nano, "perSecond"),
    "raw/s": of(raw, "perSecond"),
    ratio: ratio(of(nano, "perSecond"), of(raw, "perSecond")),
    "nano us": Number(nanoCpu.toFixed(2)),
    "raw us": Number(rawCpu.toFixed(2)),
    "cpu ratio": ratio(rawCpu, nanoCpu),
    "p99 us": of(nano, "p99Us"),
    "raw p99 us": of(raw, "p99Us"),
    "load (nano, raw)": `${of(nano, "load").toFixed(2)} ${of(raw, "load").toFixed(2)}`,
  };
}

/** Measures one side, once. @param raw Whether it is an echo without a handshake. */
export async function measure(
  one: Pick<EchoCase, "over" | "inflight" | "rate">,
  side: Side,
  raw: boolean,
  effort: Effort,
): Promise<Measured> {
  const { over, inflight, rate = 0 } = one;
  const { seconds, connections } = effort;
  const before = (await side.process.usage()).cpuUs;
  const flags = { port: portOf(side), over, inflight, rate, seconds, connections, raw };
  const result = await runLoad<EchoResult>("bench/src/load/echo.ts", flags);
  const used = (await side.process.usage()).cpuUs - before;
  // The load warms up for 0.7 s, at the same rate.
  return { ...result, cpuUs: used / (result.perSecond * (seconds + 0.7)) };
}

/** Throws where the process does not listen there. */
export function portOf({ process, port }: Side): number {
  const found = process.ready[port];
  if (!found) throw new Error(`the process does not listen on ${port}`);
  return found;
}
