import type { Reporter, Sample } from "nano-rpc";

/** Reads as a reporter does, where no scrape comes by. */
export interface SampleReader {
  readonly reporter: Reporter;
  all(): readonly Sample[];
  /** Of a counter or a gauge, the first that has these labels; NaN where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number;
}

export function sampleReader(): SampleReader {
  let read: () => Iterable<Sample> = () => [];
  const all = (): readonly Sample[] => [...read()];
  return {
    reporter: {
      name: "reader",
      start(host) {
        read = () => host.read();
      },
      stop() {},
    },
    all,
    value(name, labels = {}) {
      const found = all().find(
        (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      );
      return found && found.kind !== "histogram" ? found.value : Number.NaN;
    },
  };
}
