import { readFileSync } from "node:fs";
import { createRequire, stripTypeScriptTypes } from "node:module";
import { dirname, extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatBusy, mostBusy } from "../busyness.ts";
import { type Chart, chartsOf, serverCharts } from "../charts.ts";
import { type Durations, formatMs, type Report, sum } from "../report.ts";
import { style } from "./style.ts";

/** A report as one page of HTML that needs nothing else: its charts are drawn by uPlot, which is in it. */
export function pageOf(report: Report): string {
  const [charts, ofServer] = [chartsOf(report), serverCharts(report)];
  const passed = report.breaches.length === 0;
  const seconds = report.durationMs / 1_000;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(report.scenario)}: ${passed ? "passed" : "failed"}</title>
<style>${asset("uPlot.min.css")}${style}</style>
</head>
<body>
<main>
<header>
<h1>${text(report.scenario)}</h1>
<span class="badge${passed ? "" : " failed"}">${passed ? "passed" : "failed"}</span>
<span class="soft">${text(report.began.replace("T", " ").slice(0, 19))} UTC, ${seconds.toFixed(1)} s</span>
</header>
<section class="tiles">${tiles(report)}</section>
<h2>Thresholds</h2>
<div class="card scroll verdicts">${verdicts(report)}</div>
<h2>Second by second</h2>
<section class="charts">${charts.map((chart, at) => card(chart, at)).join("")}</section>
<h2>Calls by route</h2>
<div class="card scroll">${calls(report)}</div>
${section("Pushes by route", report.pushes.length > 0, pushes(report))}
${section(
  "Errors",
  report.calls.some(({ failed }) => failed > 0),
  errors(report),
)}
${section("Connections that broke", report.drops > 0, returns(report))}
${section("Checks", report.checks.length > 0, checks(report))}
${section("Users that ended early", Object.keys(report.broken).length > 0, broken(report))}
${serverSection(ofServer, charts.length)}
<footer>Quantiles are at most two percent too high, never too low. Drag over a chart to look closer; a double click goes back.</footer>
</main>
<script id="charts" type="application/json">${JSON.stringify([...charts, ...ofServer]).replaceAll("<", "\\u003c")}</script>
<script>${asset("uPlot.iife.min.js")}</script>
<script type="module">${drawing()}</script>
</body>
</html>
`;
}

function tiles({
  users,
  answered,
  failed,
  all,
  calls: byRoute,
  pushes: byPush,
  durationMs,
  samples,
  drops,
  busy,
}: Report): string {
  const asked = sum(byRoute.filter(({ route }) => route !== "(connect)").map((call) => call.answered));
  const peak = Math.max(0, ...samples.map(({ perSecond }) => perSecond));
  const failedShare = failed / Math.max(1, answered + failed);
  const expected = sum(byPush.map((push) => push.expected));
  const came = sum(byPush.filter((push) => push.expected > 0).map((push) => push.came));
  const twice = sum(byPush.map(({ duplicates }) => duplicates));
  const one = (value: string, what: string, bad = false): string =>
    `<div class="card tile${bad ? " bad" : ""}"><b>${text(value)}</b><span>${text(what)}</span></div>`;
  return [
    one(number(users), "users"),
    one(number(asked), "calls answered"),
    one(`${number(Math.round((asked * 1_000) / Math.max(1, durationMs)))}/s`, `calls, at most ${number(Math.round(peak))}/s`),
    one(formatMs(all.p50Ms), "p50"),
    one(formatMs(all.p95Ms), "p95"),
    one(formatMs(all.p99Ms), "p99"),
    one(percent(failedShare), `failed (${number(failed)})`, failed > 0),
    ...(expected > 0 ? [one(percent(came / expected), `pushes delivered of ${number(expected)}`, came < expected)] : []),
    ...(twice > 0 ? [one(number(twice), "pushes came twice", true)] : []),
    ...(drops > 0 ? [one(number(drops), "connections broke")] : []),
    one(
      formatBusy(busy),
      "nano-bot itself was busy",
      busy.some((share) => share > mostBusy),
    ),
  ].join("");
}

function verdicts({ verdicts: all }: Report): string {
  const rows = all.map(({ threshold, holds, words }) => [
    { html: holds ? '<span class="holds">holds</span>' : '<span class="breach">does not hold</span>' },
    threshold,
    { html: `<td class="words">${text(words)}</td>` },
  ]);
  return table(["", "threshold", "what was seen"], rows);
}

function calls({ calls: all }: Report): string {
  const rows = all.map((call) => [call.route, number(call.answered), number(call.failed), ...took(call)]);
  return table(["route", "answered", "failed", ...heads], rows, 1);
}

function pushes({ pushes: all }: Report): string {
  const rows = all.map((push) => [
    ...[push.route, number(push.came), number(push.expected), number(Math.max(0, push.expected - push.came))],
    ...[number(push.duplicates), ...took(push)],
  ]);
  return table(["route", "came", "expected", "lost", "twice", ...heads], rows, 1);
}

function errors({ calls: all }: Report): string {
  const rows = all.flatMap(({ route, errors: codes }) =>
    Object.entries(codes).map(([code, count]) => [route, code, number(count)]),
  );
  return table(["route", "code", "times"], rows, 2);
}

function returns({ drops, returns: ways }: Report): string {
  const rows = Object.entries(ways).map(([via, count]) => [`came back by ${via}`, number(count)]);
  const back = sum(Object.values(ways));
  return table(
    ["", "connections"],
    [["broke", number(drops)], ...rows, ["did not come back", number(Math.max(0, drops - back))]],
    1,
  );
}

function checks({ checks: all }: Report): string {
  return table(
    ["what", "held", "did not hold"],
    all.map(({ what, held, failed }) => [what, number(held), number(failed)]),
    1,
  );
}

function broken({ broken: all }: Report): string {
  return table(
    ["why", "users"],
    Object.entries(all).map(([why, count]) => [{ html: `<td class="words">${text(why)}</td>` }, number(count)]),
    1,
  );
}

const heads = ["p50", "p95", "p99", "max"];

function took({ p50Ms, p95Ms, p99Ms, maxMs }: Durations): readonly string[] {
  return [p50Ms, p95Ms, p99Ms, maxMs].map((ms) => (ms > 0 ? formatMs(ms) : "–"));
}

type Cell = string | { readonly html: string };

/** @param numbersFrom From which column on there are numbers. */
function table(head: readonly string[], rows: readonly (readonly Cell[])[], numbersFrom = head.length): string {
  const sort = (at: number): string => (at >= numbersFrom ? ' class="number"' : "");
  const cell = (one: Cell, at: number): string => {
    if (typeof one === "string") return `<td${sort(at)}>${text(one)}</td>`;
    return one.html.startsWith("<td") ? one.html : `<td>${one.html}</td>`;
  };
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("");
  return `<table><thead><tr>${head.map((one, at) => `<th${sort(at)}>${text(one)}</th>`).join("")}</tr></thead><tbody>${body}</tbody></table>`;
}

function section(title: string, shown: boolean, html: string): string {
  return shown ? `<h2>${text(title)}</h2><div class="card scroll">${html}</div>` : "";
}

// What people look at first, in words; the rest is a click away.
const firstLooks: Readonly<Record<string, string>> = {
  process_cpu_seconds_total: "CPU",
  process_resident_memory_bytes: "Memory",
  nodejs_eventloop_lag_p99_seconds: "Delay of the event loop, p99",
  nano_sessions: "Sessions",
  nano_users: "Users",
  nano_messages_received_total: "Messages received",
  nano_call_duration_seconds_count: "Calls",
  nano_calls_failed_total: "Calls failed",
  nano_refused_total: "Refused",
};

/** @param from The number of the first chart. */
function serverSection(charts: readonly Chart[], from: number): string {
  if (charts.length === 0) return "";
  const cards = charts.map((chart, at) => {
    // As "nano_users (10.0.0.5:4000)", where there are several servers.
    const [, name = "", place = ""] = /^(\S+)(.*)$/.exec(chart.title) ?? [];
    const words = Object.hasOwn(firstLooks, name) ? `${firstLooks[name]}${place}` : undefined;
    return { first: words !== undefined, html: card({ ...chart, title: words ?? chart.title }, from + at, words && name) };
  });
  const shown = (first: boolean): string =>
    cards
      .filter((one) => one.first === first)
      .map(({ html }) => html)
      .join("");
  const others = cards.filter(({ first }) => !first).length;
  return `<h2>The server's own metrics</h2><section class="charts small">${shown(true)}</section>
<details><summary>${others} more</summary><section class="charts small">${shown(false)}</section></details>`;
}

/** @param metric What a server calls it, where the title says it in words. */
function card({ title, unit }: Chart, at: number, metric?: string): string {
  const what = unit === "count" ? "" : ` <span class="soft">${text(unit)}</span>`;
  const name = metric === undefined ? "" : `<code>${text(metric)}</code>`;
  return `<div class="card"><h3>${text(title)}${what}${name}</h3><div data-chart="${at}"></div></div>`;
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

function percent(share: number): string {
  // Near all of them the last digits are what counts.
  return `${Number((share * 100).toPrecision(share > 0.9 ? 5 : 3))} %`;
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** What others wrote stands in the page as text. */
function text(words: string): string {
  return words.replace(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

/** A file of uPlot. */
function asset(name: string): string {
  return readFileSync(join(dirname(createRequire(import.meta.url).resolve("uplot")), name), "utf8");
}

/** What draws the charts: built, or as it is written where nothing was built. */
function drawing(): string {
  const own = fileURLToPath(import.meta.url);
  const code = readFileSync(join(dirname(own), `draw${extname(own)}`), "utf8");
  return extname(own) === ".ts" ? stripTypeScriptTypes(code) : code.replace(/^\/\/# sourceMappingURL=.*$/m, "");
}
