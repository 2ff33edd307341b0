import type { HistogramSample, Sample } from "../metrics/index.ts";
import { type Datagrams, openDatagrams } from "../net/index.ts";
import type { Reporter, ReporterHost } from "./reporter.ts";
import { timingsOf } from "./timings.ts";

/** Where statsd is, and how it is spoken to. */
export interface StatsdOptions {
  /** The default is "127.0.0.1". */
  readonly host?: string;
  /** The default is 8125. */
  readonly port?: number;
  /** Stands before every name. The default is none. */
  readonly prefix?: string;
  /** How often what has changed is told, in milliseconds. The default is 10,000, as long as statsd itself collects. */
  readonly everyMs?: number;
  /**
   * How labels go out. The default is "names": plain statsd has no labels, so their values become part of the name, as in `nano_messages_total.in`.
   * "tags" is the form of Datadog, Telegraf and others: `name:1|c|#kind:in`.
   */
  readonly labels?: "names" | "tags";
  /**
   * How histograms go out. "sums": how many values came (`_count`) and their sum (`_sum`), as two counters. "timings": value by value (`|ms`), of which statsd makes
   * percentiles; a value is as large as its bucket's end, in milliseconds where the histogram is in seconds. The default is "sums".
   */
  readonly histograms?: "sums" | "timings";
  /** Which share of a histogram's values goes out as timings: 0.1 is one in ten, marked `@0.1`, so that statsd counts all. Above 0, at most 1. The default is 1. */
  readonly sampleRate?: number;
  /** Labels of every metric, as the region. The default is none. */
  readonly tags?: Readonly<Record<string, string>>;
}

// What fits into one frame of Ethernet; larger datagrams come in pieces or not at all.
const mostBytes = 1_400;

/**
 * Tells statsd over UDP what was counted: counters by what they have grown since the last time, gauges as they are, histograms as sums or as timings. UDP loses
 * what it loses; a statsd that is away costs nothing. Throws a RangeError for a sample rate that makes no sense.
 */
export function statsd(options: StatsdOptions = {}): Reporter {
  const { host = "127.0.0.1", port = 8_125, everyMs = 10_000, histograms = "sums", sampleRate = 1 } = options;
  if (!(sampleRate > 0 && sampleRate <= 1)) throw new RangeError(`sampleRate is above 0 and at most 1: not ${sampleRate}`);
  const told = new Map<string, number>();
  let to: ReporterHost | undefined;
  let way: Datagrams | undefined;

  function* changes(samples: Iterable<Sample>): Iterable<string> {
    for (const sample of samples) {
      if (sample.kind === "gauge") yield* gauge(sample.value, sample);
      else if (sample.kind === "counter") yield* grown(sample.name, sample.value, sample);
      else if (histograms === "timings") yield* timings(sample);
      else {
        yield* grown(`${sample.name}_count`, sample.count, sample);
        yield* grown(`${sample.name}_sum`, sample.sum, sample);
      }
    }
  }

  function* gauge(value: number, sample: Sample): Iterable<string> {
    const [name, tags] = written(sample.name, sample.labels, options);
    // A sign means a change: what is below 0 is told from 0.
    if (value < 0) yield `${name}:0|g${tags}`;
    yield `${name}:${value}|g${tags}`;
  }

  function* grown(of: string, value: number, { labels }: Sample): Iterable<string> {
    const [name, tags] = written(of, labels, options);
    const by = growth(name + tags, value);
    if (by > 0) yield `${name}:${by}|c${tags}`;
  }

  function growth(key: string, value: number): number {
    const by = value - (told.get(key) ?? 0);
    told.set(key, value);
    return by;
  }

  function* timings(sample: HistogramSample): Iterable<string> {
    const [name, tags] = written(sample.name, sample.labels, options);
    const grownBy = (bucket: number, count: number): number => growth(`${name}${tags} ${bucket}`, count);
    for (const { value, times, rate } of timingsOf(sample, sampleRate, grownBy)) {
      const line = `${name}:${value}|ms${rate === 1 ? "" : `|@${rate}`}${tags}`;
      for (let time = 0; time < times; time++) yield line;
    }
  }

  function tell(): void {
    if (!to || !way) return;
    let packet = "";
    for (const line of changes(to.read())) {
      if (packet !== "" && Buffer.byteLength(packet) + 1 + Buffer.byteLength(line) > mostBytes) {
        way.send(packet);
        packet = "";
      }
      packet = packet === "" ? line : `${packet}\n${line}`;
    }
    if (packet !== "") way.send(packet);
  }

  return {
    name: "statsd",
    start(reported) {
      to = reported;
      way = openDatagrams({ host, port }, (reason) => reported.failed(reason));
      reported.every(everyMs, tell);
    },
    async stop() {
      tell();
      await way?.close();
      way = undefined;
    },
  };
}

// What statsd's lines are made of may stand in no name, value or tag.
const unfit = /[:|@#,\s]/g;

/** A name and its tags, as they go out. */
function written(
  name: string,
  labels: Readonly<Record<string, string>>,
  { prefix = "", labels: form = "names", tags = {} }: StatsdOptions,
): readonly [name: string, tags: string] {
  const all = Object.entries({ ...tags, ...labels }).map(([label, value]) => [label, value.replace(unfit, "_")] as const);
  if (form === "names")
    return [[`${prefix}${name}`, ...all.map(([, value]) => value.replaceAll(".", "_") || "none")].join("."), ""];
  return [`${prefix}${name}`, all.length === 0 ? "" : `|#${all.map((tag) => tag.join(":")).join(",")}`];
}
