import type { Report, Sample, ServerSeries } from "./report.ts";

/** What a number is: milliseconds, a count, a count a second, bytes, or cores of a CPU. */
export type Unit = "ms" | "count" | "per second" | "bytes" | "cores";

/** One line, or the bars, of a chart. */
export interface Series {
  readonly label: string;
  /** Which of the page's colours. */
  readonly colour: "good" | "bad" | "a" | "b" | "c" | "d";
  readonly values: readonly (number | null)[];
}

/** One chart of the report, in a form that its page draws. */
export interface Chart {
  readonly title: string;
  readonly unit: Unit;
  /** Over time: `x` is in seconds. Bars: each stands by itself, and `x` counts them. */
  readonly kind: "time" | "bars";
  readonly x: readonly number[];
  /** What stands under each bar. */
  readonly names?: readonly string[];
  /** Whether ten times as much is one step. */
  readonly log: boolean;
  readonly series: readonly Series[];
  /** Lines across the bars, with a word at each. */
  readonly marks?: readonly { readonly at: number; readonly label: string }[];
}

/** The charts of what the bots saw. */
export function chartsOf(report: Report): readonly Chart[] {
  const { samples } = report;
  const over = (title: string, unit: Unit, series: readonly Series[], log = false): Chart => {
    return { title, unit, kind: "time", x: samples.map(({ atMs }) => atMs / 1_000), log, series };
  };
  const line = (label: string, colour: Series["colour"], of: (sample: Sample) => number | null): Series => {
    return { label, colour, values: samples.map(of) };
  };
  // Nothing was seen: no point, and not a zero.
  const seen = (ms: number): number | null => (ms > 0 ? ms : null);
  const codes = [...new Set(samples.flatMap(({ errors }) => Object.keys(errors)))];
  const colours = ["bad", "d", "c", "b"] as const;
  const pushes = report.pushes.length > 0;
  return [
    over("Answered calls", "per second", [line("calls", "a", (sample) => sample.perSecond)]),
    over(
      "Latency of calls",
      "ms",
      [
        line("p50", "a", (sample) => seen(sample.p50Ms)),
        line("p95", "b", (sample) => seen(sample.p95Ms)),
        line("p99", "d", (sample) => seen(sample.p99Ms)),
        line("max", "bad", (sample) => seen(sample.maxMs)),
      ],
      true,
    ),
    distribution(report),
    over("Failed calls by code", "count", [
      ...codes.map((code, at) => line(code, colours[at % colours.length] ?? "bad", (sample) => sample.errors[code] ?? 0)),
      ...(codes.length === 0 ? [line("none", "good", () => 0)] : []),
    ]),
    over("Users and connections", "count", [
      line("users", "c", (sample) => sample.users),
      line("connections", "a", (sample) => sample.connections),
    ]),
    ...(pushes
      ? [
          over("Pushes that came", "per second", [
            line("pushes", "good", (sample) => sample.pushes.perSecond),
            line("duplicates", "bad", (sample) => sample.pushes.duplicates),
          ]),
          over(
            "Latency of pushes",
            "ms",
            [line("p50", "a", (sample) => seen(sample.pushes.p50Ms)), line("p99", "d", (sample) => seen(sample.pushes.p99Ms))],
            true,
          ),
        ]
      : []),
  ];
}

/** One chart for each metric that a server told. */
export function serverCharts({ samples, server }: Report): readonly Chart[] {
  const x = samples.map(({ atMs }) => atMs / 1_000);
  return server.map((series) => {
    // Prometheus has durations in seconds; those of a server are short.
    const inSeconds = isDuration(series);
    const values = inSeconds ? series.values.map((value) => (value === null ? null : value * 1_000)) : series.values;
    const unit = inSeconds ? "ms" : unitOf(series);
    return { title: series.name, unit, kind: "time", x, log: false, series: [{ label: "value", colour: "a", values }] };
  });
}

const perDecade = 8;

/** Latencies sorted into bars of one width on a scale where ten times as much is so many of them. */
function distribution({ distribution: seen, all }: Report): Chart {
  const barOf = (ms: number): number => Math.ceil(Math.log10(Math.max(ms, 0.001)) * perDecade - 1e-9);
  const bars = new Map<number, number>();
  for (const [toMs, count] of seen) bars.set(barOf(toMs), (bars.get(barOf(toMs)) ?? 0) + count);
  const places = [...bars.keys()];
  const [first, last] = places.length > 0 ? [Math.min(...places) - 1, Math.max(...places) + 1] : [0, 0];
  const shown = Array.from({ length: last - first + 1 }, (_, at) => first + at);
  const marks = (["p50", "p95", "p99"] as const).map((name) => ({ at: barOf(all[`${name}Ms`]) - first, label: name }));
  return {
    ...{ title: "Distribution of latencies", unit: "count", kind: "bars", log: false },
    x: shown.map((_, at) => at),
    names: shown.map((place) => `${Number((10 ** (place / perDecade)).toPrecision(2))} ms`),
    series: [{ label: "calls", colour: "a", values: shown.map((place) => bars.get(place) ?? 0) }],
    ...(places.length > 0 ? { marks } : {}),
  };
}

/** Not what counts seconds, and no moment, as process_start_time_seconds. */
function isDuration({ name }: ServerSeries): boolean {
  return /_seconds( |$)/.test(name) && !/time(stamp)?_seconds/.test(name);
}

function unitOf({ name }: ServerSeries): Unit {
  if (/^process_cpu_\w*seconds_total/.test(name)) return "cores";
  if (/_bytes/.test(name)) return "bytes";
  if (/_ms\b/.test(name)) return "ms";
  return /_total\b|_count\b/.test(name) ? "per second" : "count";
}
