import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { junitOf } from "../../src/bot/junit.ts";
import { pageOf } from "../../src/bot/page/page.ts";
import type { Report, Sample } from "../../src/bot/report.ts";
import { startChromium } from "../support/chromium.ts";

const durations = { p50Ms: 4, p95Ms: 20, p99Ms: 62, maxMs: 90 };

function sample(second: number): Sample {
  const errors: Record<string, number> = second > 20 ? { unavailable: second - 20 } : {};
  return {
    ...{
      atMs: second * 1_000,
      users: second * 4,
      connections: second * 4 - (second % 3),
      busy: [0.4, 0.96],
      perSecond: 900 + 90 * Math.sin(second),
    },
    ...{ failed: Object.values(errors)[0] ?? 0, errors, ...durations, p99Ms: 62 + second },
    pushes: { perSecond: 200, duplicates: 0, ...durations },
  };
}

const hostile = '</script><img src=x onerror="document.title=1">';
const report: Report = {
  ...{
    scenario: `noon & ${hostile}`,
    began: "2026-11-26T02:58:23.295Z",
    durationMs: 30_000,
    busy: [0.4, 0.96],
    users: 120,
    answered: 27_000,
    failed: 55,
  },
  ...{ all: durations, distribution: Array.from({ length: 40 }, (_, at) => [1.1 ** at, 40 - at] as const) },
  calls: [
    { route: "(connect)", answered: 120, failed: 0, errors: {}, ...durations },
    { route: "room.room.join", answered: 26_880, failed: 55, errors: { unavailable: 55 }, ...durations },
  ],
  pushes: [{ route: "room.room.said", expected: 6_000, came: 5_999, duplicates: 1, ...durations }],
  ...{ drops: 3, returns: { resume: 2, reset: 1 }, checks: [{ what: hostile, held: 5, failed: 0 }], broken: { [hostile]: 2 } },
  samples: Array.from({ length: 30 }, (_, at) => sample(at + 1)),
  server: [
    {
      name: "process_cpu_seconds_total",
      help: "",
      values: Array.from({ length: 30 }, (_, at) => (at === 0 ? null : 0.4 + at / 100)),
    },
    { name: "nodejs_eventloop_lag_p99_seconds", help: "", values: Array.from({ length: 30 }, () => 0.012) },
    { name: "process_resident_memory_bytes", help: "", values: Array.from({ length: 30 }, (_, at) => 140e6 + at * 1e6) },
    { name: "nano_link_frames_total", help: "", values: Array.from({ length: 30 }, (_, at) => at) },
  ],
  verdicts: [
    { threshold: "p99 <= 50 ms", holds: false, words: "p99 is 62 ms, more than 50 ms" },
    { threshold: "errors < 1 %", holds: true, words: "0.2 % of the calls failed" },
  ],
  breaches: ["p99 is 62 ms, more than 50 ms"],
};

let folder: string;
let browser: Browser;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-bot-page-"));
  browser = await startChromium();
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Opens the report without a network: it must need none. Gives what went wrong in it, too. */
async function open(shown: Report): Promise<{ readonly page: Page; readonly faults: readonly string[] }> {
  const file = join(folder, "report.html");
  await writeFile(file, pageOf(shown));
  const page = await browser.newPage({ offline: true, viewport: { width: 1_280, height: 900 } });
  const faults: string[] = [];
  page.on("pageerror", (error) => void faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) faults.push(request.url());
  });
  await page.goto(pathToFileURL(file).href);
  return { page, faults };
}

/** How many charts have something painted on them. */
const painted = `[...document.querySelectorAll("canvas")].filter((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)).length`;

test("a real Chromium draws every chart of a report, which needs nothing else and takes nobody's words for HTML", async () => {
  const { page, faults } = await open(report);
  await page.waitForFunction(`${painted} === 10`);
  const titles = await page.locator(".charts h3").allTextContents();
  expect(titles.slice(0, 3)).toEqual(["Answered calls per second", "Latency of calls ms", "Distribution of latencies"]);
  expect(await page.textContent(".badge")).toBe("failed");
  expect(await page.locator(".tile").first().textContent()).toBe("120users");
  expect(await page.locator("h1").textContent()).toBe(`noon & ${hostile}`);
  expect(await page.locator("img").count()).toBe(0);
  const moment = page.locator("[data-chart='0'] .u-legend tr").first();
  expect(await moment.isVisible()).toBe(false);
  // What a chart shows under the cursor stands in its legend.
  await page.locator("[data-chart='0'] .u-over").hover();
  await page.waitForSelector("[data-chart='0'] .u-legend >> text=/\\d+\\/s/");
  expect(await moment.isVisible()).toBe(true);
  const titlesOfServer = await page.locator(".charts.small h3").allTextContents();
  expect(titlesOfServer.slice(0, 3)).toEqual([
    "CPU coresprocess_cpu_seconds_total",
    "Delay of the event loop, p99 msnodejs_eventloop_lag_p99_seconds",
    "Memory bytesprocess_resident_memory_bytes",
  ]);
  await page.locator("[data-chart='8'] .u-over").hover();
  await page.waitForSelector("[data-chart='8'] .u-legend >> text=/^12 ms$/");
  await page.click("summary");
  await page.waitForFunction(`${painted} === 11`);
  expect(faults).toEqual([]);
  // A phone shows all of it without being pushed to the side.
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForFunction(
    "document.documentElement.scrollWidth <= innerWidth && document.querySelector('canvas').offsetWidth < 390",
  );
  const shots = process.env["NANO_SCREENSHOTS"];
  if (shots) await page.screenshot({ path: `${shots}/bot-report.png`, fullPage: true });
}, 60_000);

test("a run that saw nothing has a report as well", async () => {
  const none = { p50Ms: 0, p95Ms: 0, p99Ms: 0, maxMs: 0 };
  const { page, faults } = await open({
    ...{
      ...report,
      all: none,
      distribution: [],
      calls: [],
      pushes: [],
      drops: 0,
      checks: [],
      broken: {},
      samples: [],
      server: [],
    },
  });
  await page.waitForSelector("canvas");
  expect(faults).toEqual([]);
}, 60_000);

test("JUnit's XML has a case for each threshold", async () => {
  const page = await browser.newPage();
  const seen = await page.evaluate(
    `(() => {
      const xml = new DOMParser().parseFromString(${JSON.stringify(junitOf(report))}, "text/xml");
      return [...xml.querySelectorAll("testcase")].map((one) => [one.getAttribute("name"), one.querySelector("failure")?.getAttribute("message")]);
    })()`,
  );
  expect(seen).toEqual([
    ["p99 <= 50 ms", "p99 is 62 ms, more than 50 ms"],
    ["errors < 1 %", undefined],
  ]);
});
