import type { Clock } from "../clock/index.ts";
import type { ServerSeries } from "./report.ts";

/** Reads the metrics of servers while they are under load. */
export interface ServerWatch {
  /** Resolves when all have been read once, with what is wrong with those that told nothing. */
  readonly begun: Promise<readonly string[]>;
  /** Notes what was read last, beside a sample of the bots. */
  mark(): void;
  /** All that was noted; what never was anything but zero is left out. */
  series(): readonly ServerSeries[];
  stop(): void;
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly grows: boolean;
  readonly values: (number | null)[];
}

interface Reading {
  readonly atMs: number;
  readonly values: ReadonlyMap<string, { readonly value: number; readonly help: string; readonly grows: boolean }>;
}

const everyMs = 1_000;
const timeoutMs = 2_000;
const mostBytes = 8 * 1_024 * 1_024;
const mostFamilies = 400;

/** Reads the pages of Prometheus' text format at these addresses, each second until it is stopped. */
export function watchServers(urls: readonly string[], clock: Clock): ServerWatch {
  const families = new Map<string, Family>();
  const last: (Reading | undefined)[] = urls.map(() => undefined);
  const marked: (Reading | undefined)[] = urls.map(() => undefined);
  const reading = new Set<number>();
  let marks = 0;

  /** Gives why it told nothing; undefined where it did, or is read already. */
  async function read(at: number, url: string): Promise<string | undefined> {
    if (reading.has(at)) return undefined;
    reading.add(at);
    const late = new AbortController();
    const timer = clock.after(timeoutMs, () => late.abort());
    try {
      const response = await fetch(url, { signal: late.signal });
      const text = await bounded(response);
      const values = valuesOf(text);
      last[at] = response.ok ? { atMs: clock.now(), values } : undefined;
      if (!response.ok) return `it answers ${response.status}`;
      return values.size === 0 ? "there are no metrics in Prometheus' text format" : undefined;
    } catch (reason) {
      // A server that does not tell is a hole in its lines: it may just be under load.
      last[at] = undefined;
      return late.signal.aborted ? `it did not answer within ${timeoutMs} ms` : causeOf(reason);
    } finally {
      timer.cancel();
      reading.delete(at);
    }
  }

  const begun = Promise.all(urls.map((url, at) => read(at, url)));
  const timer = clock.every(everyMs, () => urls.forEach((url, at) => void read(at, url)));

  function note(at: number, name: string, value: number | null, family: Omit<Family, "name" | "values">): void {
    const shown = urls.length > 1 ? `${name} (${new URL(urls[at] ?? "").host})` : name;
    let known = families.get(shown);
    if (!known && families.size >= mostFamilies) return;
    known ??= { name: shown, ...family, values: [] };
    families.set(shown, known);
    while (known.values.length < marks - 1) known.values.push(null);
    known.values[marks - 1] = value;
  }

  return {
    begun: begun.then((faults) => urls.flatMap((url, at) => (faults[at] === undefined ? [] : [`${url}: ${faults[at]}`]))),
    mark() {
      marks++;
      for (const [at, now] of last.entries()) {
        if (!now) continue;
        const before = marked[at];
        if (now === before) {
          // Not read again since the sample before: as it was.
          for (const family of families.values()) family.values[marks - 1] ??= family.values[marks - 2] ?? null;
          continue;
        }
        for (const [name, { value, help, grows }] of now.values) {
          const was = before?.values.get(name)?.value;
          const passedMs = now.atMs - (before?.atMs ?? now.atMs);
          const rate = was === undefined || passedMs <= 0 || value < was ? null : ((value - was) * 1_000) / passedMs;
          note(at, name, grows ? rate : value, { help, grows });
        }
        marked[at] = now;
      }
    },
    series: () =>
      [...families.values()]
        .filter(({ values }) => values.some((value) => value !== null && value !== 0))
        .map(({ name, help, values }) => ({ name, help, values: Array.from({ length: marks }, (_, at) => values[at] ?? null) }))
        .sort((one, other) => rank(one.name) - rank(other.name)),
    stop: () => timer.cancel(),
  };
}

/** What `fetch` fails with says why in its cause alone. */
function causeOf(reason: unknown): string {
  const { cause = reason } = reason instanceof Error ? reason : {};
  return cause instanceof Error ? cause.message || `${Reflect.get(cause, "code")}` : `${cause}`;
}

async function bounded({ body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of body ?? []) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length > mostBytes) throw new RangeError(`a page of more than ${mostBytes} bytes`);
  }
  return text;
}

// What people look at first.
const first = [/^process_cpu_seconds_total/, /^process_resident_memory/, /^nodejs_eventloop_lag_p99/, /^nano_/];

function rank(name: string): number {
  const at = first.findIndex((form) => form.test(name));
  return at < 0 ? first.length : at;
}

/** Each family as one number: counters and gauges with all their labels together, of a histogram how often it was counted. */
function valuesOf(text: string): Reading["values"] {
  const kinds = new Map<string, string>();
  const helps = new Map<string, string>();
  const values = new Map<string, { value: number; help: string; grows: boolean }>();
  for (const line of text.split("\n")) {
    const [, word, of = "", rest = ""] = /^# (TYPE|HELP) (\S+) (.*)$/.exec(line) ?? [];
    if (word === "TYPE") kinds.set(of, rest);
    if (word === "HELP") helps.set(of, rest);
    const [, name = "", number] = /^([a-zA-Z_:][\w:]*)(?:\{.*\})? (\S+)/.exec(line) ?? [];
    const value = Number(number);
    if (number === undefined || !Number.isFinite(value)) continue;
    const family = name.replace(/_(bucket|sum|count)$/, "");
    const kind = kinds.get(name) ?? (kinds.get(family) === "histogram" && name.endsWith("_count") ? "histogram" : undefined);
    if (kind !== "counter" && kind !== "gauge" && kind !== "histogram") continue;
    const known = values.get(name) ?? { value: 0, help: helps.get(name) ?? helps.get(family) ?? "", grows: kind !== "gauge" };
    known.value += value;
    values.set(name, known);
  }
  return values;
}
