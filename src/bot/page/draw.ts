// Runs in the browser that shows a report: draws its charts with uPlot. It is read as text and put into the page, so it imports nothing.
import type { Chart, Unit } from "../charts.ts";

// Of the platform's types it needs little, and src/ knows no document.
interface Place {
  readonly clientWidth: number;
  readonly dataset: { readonly [name: string]: string | undefined };
  readonly textContent: string | null;
}
interface Canvas {
  save(): void;
  restore(): void;
  beginPath(): void;
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  stroke(): void;
  fillText(text: string, x: number, y: number): void;
  setLineDash(dashes: readonly number[]): void;
  strokeStyle: string;
  fillStyle: string;
  font: string;
  textAlign: string;
}
interface Plot {
  readonly ctx: Canvas;
  readonly bbox: { readonly left: number; readonly top: number; readonly width: number; readonly height: number };
  valToPos(value: number, scale: string, canvas: boolean): number;
  setSize(size: { readonly width: number; readonly height: number }): void;
}
declare const uPlot: {
  new (options: object, data: readonly (readonly (number | null)[])[], place: Place): Plot;
  readonly paths: { bars(options: object): unknown };
};
declare const document: {
  readonly documentElement: Place;
  querySelectorAll(selector: string): Iterable<Place>;
  getElementById(id: string): Place | null;
};
declare const ResizeObserver: new (seen: () => void) => { observe(place: Place): void };
declare function getComputedStyle(place: Place): { getPropertyValue(name: string): string };
declare function matchMedia(query: string): { addEventListener(event: "change", seen: () => void): void };
declare const location: { reload(): void };
declare const devicePixelRatio: number;

const charts: readonly Chart[] = JSON.parse(document.getElementById("charts")?.textContent ?? "[]");
const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const text = colour("soft");
const grid = { stroke: colour("line"), width: 1 };

function amount(value: number): string {
  const size = Math.abs(value);
  for (const [over, sign] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e4, "k"],
  ] as const) {
    if (size >= over) return `${Number((value / (sign === "k" ? 1e3 : over)).toPrecision(3))}${sign}`;
  }
  return `${Number(value.toPrecision(3))}`;
}

function written(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return "";
  if (unit === "ms") return value >= 1_000 ? `${Number((value / 1_000).toPrecision(3))} s` : `${Number(value.toPrecision(3))} ms`;
  if (unit === "bytes") return `${amount(value / 1_048_576)} MiB`;
  return unit === "per second" ? `${amount(value)}/s` : amount(value);
}

function clock(seconds: number): string {
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return `${minutes}:${String(rest).padStart(2, "0")}`;
}

// Steps of an axis of bytes: 1, 2, 4, ... from a kibibyte on.
const halves = Array.from({ length: 40 }, (_, at) => 2 ** (at + 10));

function draw(chart: Chart, place: Place): Plot {
  const { unit, kind, names = [], log } = chart;
  const font = "12px system-ui, sans-serif";
  const bars = kind === "bars";
  const axis = { stroke: text, grid, ticks: grid, font };
  const across = bars
    ? { ...axis, grid: { show: false }, space: 60, values: (_: Plot, at: readonly number[]) => at.map((one) => names[one] ?? "") }
    : { ...axis, values: (_: Plot, at: readonly number[]) => at.map(clock) };
  const up = {
    ...{ ...axis, size: 72, ...(unit === "bytes" ? { incrs: halves } : {}) },
    values: (_: Plot, at: readonly (number | null)[]) => at.map((one) => (one === null ? "" : written(one, unit))),
  };
  const series = chart.series.map(({ label, colour: name }, at) => ({
    ...{ label, stroke: colour(name), width: bars ? 0 : 2, spanGaps: false },
    ...(bars || (at === 0 && chart.series.length === 1) ? { fill: `${colour(name)}${bars ? "cc" : "22"}` } : {}),
    ...(bars ? { points: { show: false }, paths: uPlot.paths.bars({ size: [0.9, 80] }) } : {}),
    value: (_: Plot, value: number | null) => written(value, unit),
  }));
  const plot = new uPlot(
    {
      ...{ width: place.clientWidth, height: 220, axes: [across, up] },
      scales: {
        x: { time: false, ...(bars ? { range: [-0.6, names.length - 0.4] } : {}) },
        y: log ? { distr: 3 } : { range: (_: Plot, _least: number, most: number) => [0, most > 0 ? most * 1.08 : 1] },
      },
      series: [
        {
          label: bars ? "up to" : "at",
          value: (_: Plot, at: number | null) => (at === null ? "" : bars ? (names[at] ?? "") : clock(at)),
        },
        ...series,
      ],
      cursor: { ...(bars ? {} : { sync: { key: "time" } }), drag: { x: !bars, y: false }, points: { size: 6 } },
      hooks: { draw: [(drawn: Plot) => mark(drawn, chart)] },
    },
    [chart.x, ...chart.series.map(({ values }) => values)],
    place,
  );
  return plot;
}

/** Where the quantiles lie: lines across the bars. */
function mark({ ctx, bbox, valToPos }: Plot, { marks = [] }: Chart): void {
  let before = Number.NEGATIVE_INFINITY;
  let row = 0;
  for (const { at, label } of marks) {
    const x = Math.round(valToPos(at, "x", true));
    // Two that lie near each other are written below each other.
    row = x - before < 34 * devicePixelRatio ? row + 1 : 0;
    before = x;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour("bad");
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.fillText(label, x + 4 * devicePixelRatio, bbox.top + (12 + row * 14) * devicePixelRatio);
    ctx.restore();
  }
}

for (const place of document.querySelectorAll("[data-chart]")) {
  const chart = charts[Number(place.dataset["chart"])];
  if (!chart) continue;
  let plot: Plot | undefined;
  new ResizeObserver(() => {
    if (place.clientWidth === 0) return;
    if (plot) plot.setSize({ width: place.clientWidth, height: 220 });
    else plot = draw(chart, place);
  }).observe(place);
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => location.reload());
