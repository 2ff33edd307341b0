import { createDistribution, type Distribution } from "./distribution.ts";
import type { Sample } from "./sample.ts";

/** A value for every label of a metric. */
export type Labels<L extends string> = { readonly [K in L]: string };

/** What a metric is. */
export interface MetricOptions<L extends string> {
  /** Letters, digits and "_", as "chat_lines_total"; a counter's ends with "_total" by custom. Names that begin with "nano_" are the framework's. */
  readonly name: string;
  readonly help: string;
  /** Names of labels. The default is none. */
  readonly labels?: readonly L[];
}

type LabelArgument<L extends string> = [L] extends [never] ? [] : [labels: Labels<L>];

/** Counts what happens. */
export interface Counter<L extends string = never> {
  /** Throws a RangeError for what is below 0, or no number. */
  add(by: number, ...labels: LabelArgument<L>): void;
}

/** Sorts values by their size. */
export interface Histogram<L extends string = never> {
  observe(value: number, ...labels: LabelArgument<L>): void;
}

/** One value of a gauge that has labels. */
export interface GaugeValue<L extends string> {
  readonly labels: Labels<L>;
  readonly value: number;
}

/**
 * Where applications count. The same name may be asked for again, with the same kind and labels, and is the same metric then. Throws a TypeError
 * where it is another, or where a name makes no sense. A metric has at most 1,000 series: what comes beyond counts under labels that all say
 * "other".
 */
export interface Metrics {
  counter<const L extends string = never>(options: MetricOptions<L>): Counter<L>;
  /** @param options `buckets` are upper bounds, rising. */
  histogram<const L extends string = never>(options: MetricOptions<L> & { readonly buckets: readonly number[] }): Histogram<L>;
  /** @param read Called whenever somebody looks. What it throws is left out of that look. */
  gauge<const L extends string = never>(
    options: MetricOptions<L>,
    read: () => [L] extends [never] ? number : Iterable<GaugeValue<L>>,
  ): void;
}

/** What was counted, for those who report it. */
export interface MetricsRegistry extends Metrics {
  /** Adds what is kept elsewhere, and looked at when somebody asks. */
  source(read: () => Iterable<Sample>): void;
  /** Everything as it stands. */
  read(): Iterable<Sample>;
}

const mostSeries = 1_000;
const goodName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

interface Cell {
  readonly labels: Readonly<Record<string, string>>;
  value: number;
  readonly distribution: Distribution | undefined;
}

interface Family {
  readonly kind: Sample["kind"];
  readonly labels: readonly string[];
  readonly help: string;
  readonly buckets: readonly number[];
  readonly cells: Map<string, Cell>;
}

/** Nothing counted yet. */
export function createMetrics(): MetricsRegistry {
  const families = new Map<string, Family>();
  const sources: (() => Iterable<Sample>)[] = [];

  function family(kind: Sample["kind"], options: MetricOptions<string>, buckets: readonly number[] = []): Family {
    const { name, help, labels = [] } = options;
    for (const one of [name, ...labels])
      if (!goodName.test(one)) throw new TypeError(`"${one}" is no name for a metric or label`);
    const before = families.get(name);
    if (before) {
      const same = before.kind === kind && `${before.labels}` === `${labels}` && `${before.buckets}` === `${buckets}`;
      if (!same || kind === "gauge") throw new TypeError(`there is a metric ${name} already`);
      return before;
    }
    const made: Family = { kind, labels, help, buckets, cells: new Map() };
    families.set(name, made);
    return made;
  }

  return {
    counter(options) {
      const of = family("counter", options);
      return {
        add(by, labels?: Readonly<Record<string, string>>) {
          if (!(by >= 0)) throw new RangeError(`${options.name} only grows: not by ${by}`);
          cell(of, labels).value += by;
        },
      };
    },
    histogram(options) {
      const { buckets } = options;
      if (buckets.some((bound, at) => !(bound > (buckets[at - 1] ?? Number.NEGATIVE_INFINITY)))) {
        throw new TypeError(`the buckets of ${options.name} do not rise`);
      }
      const of = family("histogram", options, buckets);
      return {
        observe(value, labels?: Readonly<Record<string, string>>) {
          cell(of, labels).distribution?.observe(value);
        },
      };
    },
    gauge(options, read) {
      const { name, help } = options;
      family("gauge", options);
      sources.push(function* () {
        const values = read() as number | Iterable<GaugeValue<string>>;
        if (typeof values === "number") yield { kind: "gauge", name, help, labels: {}, value: values };
        else for (const { labels, value } of values) yield { kind: "gauge", name, help, labels, value };
      });
    },
    source(read) {
      sources.push(read);
    },
    *read() {
      for (const [name, { kind, help, cells }] of families) {
        for (const { labels, value, distribution } of cells.values()) {
          if (distribution) yield { kind: "histogram", name, help, labels, ...distribution.read() };
          else if (kind === "counter") yield { kind, name, help, labels, value };
        }
      }
      for (const source of sources) yield* whole(source);
    },
  };
}

/** A source that fails says nothing: the others are not its prisoners. */
function whole(source: () => Iterable<Sample>): readonly Sample[] {
  try {
    return [...source()];
  } catch {
    return [];
  }
}

function cell(family: Family, given: Readonly<Record<string, string>> | undefined): Cell {
  const key = given ? family.labels.map((label) => given[label] ?? "").join("\0") : "";
  const found = family.cells.get(key);
  if (found) return found;
  const full = family.cells.size >= mostSeries;
  const labels = Object.fromEntries(family.labels.map((label) => [label, full ? "other" : (given?.[label] ?? "")]));
  const at = full ? family.labels.map(() => "other").join("\0") : key;
  const beyond = full ? family.cells.get(at) : undefined;
  if (beyond) return beyond;
  const made: Cell = {
    labels,
    value: 0,
    distribution: family.kind === "histogram" ? createDistribution(family.buckets) : undefined,
  };
  family.cells.set(at, made);
  return made;
}
