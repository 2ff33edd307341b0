// Questions to Prometheus that are written by the list of metrics: a name, a label or a label's value that is none does not compile.
import type { Code } from "../src/error/index.ts";
import {
  type CallRefusal,
  type FrameRefusal,
  type LimitName,
  type LinkRefusal,
  type MetricEntry,
  type MetricName,
  metricCatalog,
  type RecordRefusal,
  type Stage,
} from "../src/metrics/index.ts";

/** A question, and the labels that its answers have. */
export interface Query<Label extends string> {
  readonly text: string;
  readonly labels: readonly Label[];
}

type Kind = MetricEntry["kind"];
type NameOf<K extends Kind> = { [N in MetricName]: (typeof metricCatalog)[N]["kind"] extends K ? N : never }[MetricName];
type OwnLabel<N extends MetricName> = (typeof metricCatalog)[N]["labels"][number];

// What Prometheus adds to each series: by /sd, and by itself.
const targetLabels = ["server", "job", "instance"] as const;
type LabelOf<N extends MetricName> = OwnLabel<N> | (typeof targetLabels)[number];

interface KnownValues {
  readonly code: Code;
  readonly limit: LimitName;
  readonly reason: LinkRefusal | CallRefusal | RecordRefusal | FrameRefusal;
  readonly stage: Stage;
}
type Values<Label extends string> = {
  readonly [L in Label]?: readonly (L extends keyof KnownValues ? KnownValues[L] : string)[];
};

/** What a gauge says now. */
export function now<N extends NameOf<"gauge">>(name: N, where?: Values<OwnLabel<N>>): Query<LabelOf<N>> {
  return { text: selected(name, where), labels: labelsOf(name) };
}

/** The most that a gauge has said in a time, as "1h". */
export function most<N extends NameOf<"gauge">>(name: N, window: string, where?: Values<OwnLabel<N>>): Query<LabelOf<N>> {
  return { text: `max_over_time(${selected(name, where)}[${window}])`, labels: labelsOf(name) };
}

/** What a counter grows a second, over a time; of a histogram, how many values came. */
export function rate<N extends NameOf<"counter" | "histogram">>(
  name: N,
  window: string,
  where?: Values<OwnLabel<N>>,
): Query<LabelOf<N>> {
  const series = metricCatalog[name].kind === "histogram" ? `${name}_count` : name;
  return { text: `rate(${selected(series, where)}[${window}])`, labels: labelsOf(name) };
}

/** What a counter has grown by in a time. */
export function increase<N extends NameOf<"counter">>(name: N, window: string, where?: Values<OwnLabel<N>>): Query<LabelOf<N>> {
  return { text: `increase(${selected(name, where)}[${window}])`, labels: labelsOf(name) };
}

/** What so large a share of a histogram's values is at most: 0.99 asks for the slowest hundredth. */
export function quantile<N extends NameOf<"histogram">, L extends LabelOf<N>>(
  share: number,
  name: N,
  window: string,
  by: readonly L[],
  where?: Values<OwnLabel<N>>,
): Query<L> {
  const buckets = `rate(${selected(`${name}_bucket`, where)}[${window}])`;
  return { text: `histogram_quantile(${share}, sum by (${["le", ...by].join(", ")}) (${buckets}))`, labels: by };
}

/** A series that is not in the list: of Prometheus itself, of Node. A test holds its name against a real scrape. */
export function outside(series: string, change?: { readonly of: "changes"; readonly window: string }): Query<"server" | "job"> {
  const text = `${series}{job="nano"}`;
  return { text: change ? `${change.of}(${text}[${change.window}])` : text, labels: ["server", "job"] };
}

/** All that have the same labels, as one. */
export function fold<L extends string, B extends L>(how: "sum" | "max" | "min", by: readonly B[], of: Query<L>): Query<B> {
  return { text: `${how} by (${by.join(", ")}) (${of.text})`, labels: by };
}

/** One over the other, of the same labels. */
export function ratio<L extends string>(part: Query<L>, whole: Query<NoInfer<L>>): Query<L> {
  return { text: `${part.text} / ${whole.text}`, labels: part.labels };
}

/** What the most of one question would sum up to, were all servers to say the same. */
export function ifAllSaid<N extends NameOf<"gauge">, B extends LabelOf<N>>(name: N, by: readonly B[]): Query<B> {
  return { text: `${fold("max", by, now(name)).text} * scalar(count(nano_ready))`, labels: by };
}

/** Those that are so. Between two questions labels must be the same. */
export function where<L extends string>(
  of: Query<L>,
  is: ">" | "==" | "!=" | "unless",
  what: number | Query<NoInfer<L>>,
): Query<L> {
  return { text: `${of.text} ${is} ${typeof what === "number" ? what : what.text}`, labels: of.labels };
}

function labelsOf<N extends MetricName>(name: N): readonly LabelOf<N>[] {
  return [...metricCatalog[name].labels, ...targetLabels];
}

function selected(series: string, values: Readonly<Record<string, readonly string[] | undefined>> = {}): string {
  const matchers = Object.entries(values).map(([label, of = []]) => `${label}${of.length === 1 ? "=" : "=~"}"${of.join("|")}"`);
  return matchers.length === 0 ? series : `${series}{${matchers.join(",")}}`;
}
