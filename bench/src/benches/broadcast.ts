import { create, toBinary } from "@bufbuild/protobuf";
import { TickedResponseSchema } from "../../gen/bench/v1/fanout_pb.ts";
import { tickText } from "../fanout.ts";
import type { FanoutResult } from "../load/fanout.ts";
import { packet } from "../load/wire.ts";
import { runLoad, startProcess } from "../processes.ts";
import { median, ratio, report } from "../table.ts";
import { type Effort, portOf, type Side } from "./echo-cases.ts";

interface Measured {
  /** Pushes that arrived. */
  readonly perSecond: number;
  /** CPU of the server for one push to one session. */
  readonly cpuUs: number;
  readonly burstMs: number;
  readonly load: number;
}

/** One push to all local sessions, beside a loop of `socket.write` of one shared buffer; and five in one turn. */
export async function broadcast(effort: Effort): Promise<void> {
  const rows = [];
  for (const over of ["tcp", "ws"] as const) {
    const raw = await startProcess("bench/src/raw.ts", ["--push", pushBytes(over).toString("hex")]);
    const nano = await startProcess("bench/src/server.ts", ["--roles", "fanout", "--frontend", "--ws", "0", "--tcp", "0"]);
    try {
      for (const sessions of [1_000, 10_000]) {
        const limit = { process: raw, port: over === "tcp" ? "fanoutTcp" : "fanoutWs" };
        const ours: Measured[] = [];
        const theirs: Measured[] = [];
        const five: Measured[] = [];
        for (let round = 0; round < effort.rounds; round++) {
          theirs.push(await measure(limit, over, sessions, 1, true, effort));
          ours.push(await measure({ process: nano, port: over }, over, sessions, 1, false, effort));
          five.push(await measure({ process: nano, port: over }, over, sessions, 5, false, effort));
        }
        const of = (side: readonly Measured[], field: keyof Measured): number => median(side.map((each) => each[field]));
        const [nanoCpu, rawCpu] = [of(ours, "cpuUs"), of(theirs, "cpuUs")];
        rows.push({
          over,
          sessions,
          "nano pushes/s": Math.round(of(ours, "perSecond")),
          "raw pushes/s": Math.round(of(theirs, "perSecond")),
          ratio: ratio(of(ours, "perSecond"), of(theirs, "perSecond")),
          "nano us": Number(nanoCpu.toFixed(2)),
          "raw us": Number(rawCpu.toFixed(2)),
          "cpu ratio": ratio(rawCpu, nanoCpu),
          "five in a turn, against one": ratio(of(five, "burstMs"), of(ours, "burstMs")),
          "load (nano, raw)": `${of(ours, "load").toFixed(2)} ${of(theirs, "load").toFixed(2)}`,
        });
      }
    } finally {
      await Promise.all([raw.end(), nano.end()]);
    }
  }
  report("broadcast", `medians of ${effort.rounds} rounds`, rows);
}

async function measure(
  side: Side,
  over: "tcp" | "ws",
  sessions: number,
  pushes: number,
  raw: boolean,
  effort: Effort,
): Promise<Measured> {
  const idle = (await side.process.usage()).cpuUs;
  const flags = { port: portOf(side), over, connections: sessions, pushes, seconds: effort.seconds, raw };
  const warm = { cpuUs: idle };
  const { bursts, seconds, load } = await runLoad<FanoutResult>("bench/src/load/fanout.ts", flags, async () => {
    warm.cpuUs = (await side.process.usage()).cpuUs;
  });
  const used = (await side.process.usage()).cpuUs - warm.cpuUs;
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
