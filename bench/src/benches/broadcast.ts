import { create, toBinary } from "@bufbuild/protobuf";
import { startEtcd } from "../../../test/support/etcd.ts";
import { TickedResponseSchema } from "../../gen/bench/v1/fanout_pb.ts";
import { tickText } from "../fanout.ts";
import type { FanoutResult } from "../load/fanout.ts";
import { packet } from "../load/wire.ts";
import { type Process, runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import { type Effort, portOf } from "./echo-cases.ts";

interface Measured {
  /** Pushes that arrived. */
  readonly perSecond: number;
  /** CPU of the server for one push to one session. */
  readonly cpuUs: number;
  readonly burstMs: number;
  readonly load: number;
}

/** Who pushes and who holds the clients, and where these connect. */
interface Pushers {
  readonly processes: readonly Process[];
  readonly ports: readonly number[];
  readonly raw: boolean;
}

interface Measurement {
  readonly pushers: Pushers;
  readonly over: "tcp" | "ws";
  readonly sessions: number;
  readonly pushes: number;
}

/** One push to all sessions, of one server or of two frontends and a backend that pushes, beside a loop of `socket.write` of one shared buffer; and five in one turn. */
export async function broadcast(effort: Effort): Promise<void> {
  const rows = [];
  for (const over of ["tcp", "ws"] as const) {
    const raw = await startProcess("bench/src/raw.ts", ["--push", pushBytes(over).toString("hex")]);
    const nano = await startProcess("bench/src/server.ts", ["--roles", "fanout", "--frontend", "--ws", "0", "--tcp", "0"]);
    try {
      const limit: Pushers = {
        processes: [raw],
        ports: [portOf({ process: raw, port: over === "tcp" ? "fanoutTcp" : "fanoutWs" })],
        raw: true,
      };
      const one: Pushers = { processes: [nano], ports: [portOf({ process: nano, port: over })], raw: false };
      for (const sessions of [1_000, 10_000]) rows.push(await row("one", one, limit, over, sessions, effort));
      rows.push(await withTwoFrontends(over, (two) => row("two, pushed to by a backend", two, limit, over, 10_000, effort)));
    } finally {
      await Promise.all([raw.end(), nano.end()]);
    }
  }
  report("broadcast", `medians of ${effort.rounds} rounds`, rows);
}

async function row(frontends: string, nano: Pushers, limit: Pushers, over: "tcp" | "ws", sessions: number, effort: Effort) {
  const ours: Measured[] = [];
  const theirs: Measured[] = [];
  const five: Measured[] = [];
  for (let round = 0; round < effort.rounds; round++) {
    theirs.push(await measure({ pushers: limit, over, sessions, pushes: 1 }, effort));
    ours.push(await measure({ pushers: nano, over, sessions, pushes: 1 }, effort));
    five.push(await measure({ pushers: nano, over, sessions, pushes: 5 }, effort));
  }
  const of = (side: readonly Measured[], field: keyof Measured): number => median(side.map((each) => each[field]));
  const [nanoCpu, rawCpu] = [of(ours, "cpuUs"), of(theirs, "cpuUs")];
  return {
    over,
    frontends,
    sessions,
    "nano pushes/s": Math.round(of(ours, "perSecond")),
    "raw pushes/s": Math.round(of(theirs, "perSecond")),
    ratio: ratio(of(ours, "perSecond"), of(theirs, "perSecond")),
    "nano us": Number(nanoCpu.toFixed(2)),
    "raw us": Number(rawCpu.toFixed(2)),
    "cpu ratio": ratio(rawCpu, nanoCpu),
    "five in a turn, against one": ratio(of(five, "burstMs"), of(ours, "burstMs")),
    "load (nano, raw)": `${of(ours, "load").toFixed(2)} ${of(theirs, "load").toFixed(2)}`,
  };
}

/** A backend that pushes, and two frontends with the clients: three processes on one core, that found each other through etcd. */
async function withTwoFrontends<R>(over: "tcp" | "ws", measured: (two: Pushers) => Promise<R>): Promise<R> {
  const etcd = await startEtcd();
  const processes: Process[] = [];
  try {
    const start = async (id: string, ...args: string[]): Promise<Process> => {
      const discovery = ["--discovery", `etcd://${etcd.endpoint}`, "--prefix", "/broadcast"];
      const process = await startProcess("bench/src/server.ts", ["--id", id, ...args, ...discovery]);
      processes.push(process);
      return process;
    };
    await start("fanout-1", "--roles", "fanout");
    const ports: number[] = [];
    for (const id of ["gate-1", "gate-2"])
      ports.push(portOf({ process: await start(id, "--roles", "gate", `--${over}`, "0"), port: over }));
    return await measured({ processes, ports, raw: false });
  } finally {
    await Promise.all(processes.map((process) => process.end()));
    await etcd.stop();
  }
}

async function measure({ pushers, over, sessions, pushes }: Measurement, effort: Effort): Promise<Measured> {
  const cpu = async (): Promise<number> => {
    let sum = 0;
    for (const process of pushers.processes) sum += (await process.usage()).cpuUs;
    return sum;
  };
  let before = 0;
  const flags = { port: pushers.ports.join(","), over, connections: sessions, pushes, seconds: effort.seconds, raw: pushers.raw };
  const { bursts, seconds, load } = await runLoad<FanoutResult>("bench/src/load/fanout.ts", flags, {
    warm: async () => {
      before = await cpu();
    },
  });
  const used = (await cpu()) - before;
  const count = bursts * sessions * pushes;
  return { perSecond: count / seconds, cpuUs: used / count, burstMs: (seconds * 1_000) / bursts, load };
}

/** What one push is on the wire, so that the raw loop writes as much. */
function pushBytes(over: "tcp" | "ws"): Buffer {
  const route = Buffer.from("fanout.fanout.ticked");
  const body = toBinary(TickedResponseSchema, create(TickedResponseSchema, { number: 1, text: tickText }));
  const bytes = packet(4, Buffer.concat([Buffer.from([0x06, route.length]), route, body]));
  return over === "tcp" ? bytes : Buffer.concat([Buffer.from([0x82, bytes.length]), bytes]);
}
