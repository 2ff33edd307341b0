interface Series {
  /** As "nano_connections". */
  readonly name: string;
  readonly help: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** One bucket of a histogram: how many values were at most `le`, those of smaller buckets included. */
export interface Bucket {
  readonly le: number;
  readonly count: number;
}

/** A value that only grows while its server lives. */
export type CounterSample = Series & { readonly kind: "counter"; readonly value: number };

/** A value as it is now. */
export type GaugeSample = Series & { readonly kind: "gauge"; readonly value: number };

/** How often values were how large: buckets in rising order, without the last, which has no end and holds `count`. */
export type HistogramSample = Series & {
  readonly kind: "histogram";
  readonly buckets: readonly Bucket[];
  readonly sum: number;
  readonly count: number;
};

/** One series as it stands. Those of one name have one kind, one help and the same labels. */
export type Sample = CounterSample | GaugeSample | HistogramSample;
