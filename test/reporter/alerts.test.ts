import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { parse } from "yaml";
import { fold, now, rate, where } from "../../scripts/promql.ts";

const cleanups: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0).reverse()) cleanup();
});

const file = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const rules = file("docs/prometheus/alerts.yml");
const { groups } = parse(readFileSync(rules, "utf8")) as {
  readonly groups: readonly { readonly rules: readonly { readonly alert: string; readonly annotations: object }[] }[];
};
const names = groups.flatMap(({ rules: of }) => of.map(({ alert }) => alert));

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "nano-alerts-"));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

test("rules and page are what the list of metrics makes of them", () => {
  const printed = folder();
  const made = spawnSync(execPath, ["--conditions=nano-source", file("scripts/alerts.ts"), printed], { encoding: "utf8" });
  expect([made.status, made.stderr]).toEqual([0, ""]);
  for (const name of ["prometheus/alerts.yml", "reference/alerts.md"])
    expect(readFileSync(file(`docs/${name}`), "utf8")).toBe(readFileSync(join(printed, name), "utf8"));
});

test("what is no metric, label or value of a label does not compile", () => {
  // @ts-expect-error There is no such metric.
  expect(() => rate("nano_calls_faild_total", "5m")).toThrow();
  // @ts-expect-error A gauge has no rate.
  rate("nano_ready", "5m");
  // @ts-expect-error It has no such label.
  fold("sum", ["route"], now("nano_ready"));
  // @ts-expect-error No code is called so.
  rate("nano_calls_failed_total", "5m", { code: ["intrenal"] });
  // @ts-expect-error Those are not of the same labels.
  where(fold("sum", ["route"], rate("nano_calls_failed_total", "5m")), ">", now("nano_ready"));
  expect(rate("nano_calls_failed_total", "5m", { code: ["internal"] }).text).toBe(
    'rate(nano_calls_failed_total{code="internal"}[5m])',
  );
});

// What a Prometheus has seen, a value a minute: series, values while all is well, and values when it is not.
const server = 'server="gate-1",job="nano"';
const route = 'route="room.room.say"';
const sick: Readonly<Record<string, readonly (readonly [series: string, well: string, ill: string])[]>> = {
  NanoServerGone: [[`up{${server}}`, "1x30", "0x30"]],
  NanoTypeGone: [[`nano_servers{${server},type="room",state="ready"}`, "1x30", "1x5 stale"]],
  NanoRestarts: [[`process_start_time_seconds{${server}}`, "100x10 200x20", "100 100 200 300 400x26"]],
  NanoServerNotReady: [[`nano_ready{${server}}`, "1x30", "0x30"]],
  NanoInternalErrors: [
    [`nano_calls_failed_total{${server},kind="handler",${route},code="internal"}`, "0x30", "0+2x30"],
    [`nano_call_duration_seconds_count{${server},kind="handler",${route}}`, "0+100x30", "0+100x30"],
  ],
  NanoSlowCalls: [
    [`nano_call_duration_seconds_bucket{${server},kind="handler",${route},le="1"}`, "0+100x30", "0+90x30"],
    [`nano_call_duration_seconds_bucket{${server},kind="handler",${route},le="2.5"}`, "0+100x30", "0+100x30"],
    [`nano_call_duration_seconds_bucket{${server},kind="handler",${route},le="+Inf"}`, "0+100x30", "0+100x30"],
  ],
  NanoCallsWait: [
    [`nano_queue_duration_seconds_bucket{${server},${route},le="1"}`, "0+100x30", "0+90x30"],
    [`nano_queue_duration_seconds_bucket{${server},${route},le="2.5"}`, "0+100x30", "0+100x30"],
    [`nano_queue_duration_seconds_bucket{${server},${route},le="+Inf"}`, "0+100x30", "0+100x30"],
  ],
  NanoFull: [[`nano_limit_hits_total{${server},limit="connections"}`, "7x30", "0+1x30"]],
  NanoPushesLost: [[`nano_gaps_total{${server}}`, "3x30", "0x20 1x10"]],
  NanoStrangers: [[`nano_cluster_refused_total{${server},kind="links",reason="token"}`, "2x30", "0+1x30"]],
  NanoViewsDiffer: [
    [`nano_ready{${server}}`, "1x30", "1x30"],
    ['nano_ready{server="gate-2",job="nano"}', "1x30", "1x30"],
    [`nano_servers{${server},type="gate",state="ready"}`, "2x30", "2x30"],
    // Cut off: it sees nobody of that type.
    ['nano_servers{server="gate-2",job="nano",type="gate",state="ready"}', "2x30", "stale"],
  ],
  NanoEventLoopBlocked: [[`nodejs_eventloop_lag_p99_seconds{${server}}`, "0.02x30", "0.5x30"]],
  NanoHandlerBlocks: [[`nano_blocked_seconds_total{${server},${route}}`, "1x30", "0+6x30"]],
  NanoDiscoveryAway: [[`nano_discovery_available{${server}}`, "1x30", "0x30"]],
  NanoLinkQueue: [[`nano_link_queue_bytes{${server}}`, "1000x30", "5000000x30"]],
};

test("there is a case for every alert", () => expect(Object.keys(sick).sort()).toEqual([...names].sort()));

test.each(names)("%s fires when it is so, says whom it is about, and is silent when all is well", (alertname) => {
  const file = join(folder(), "case.json");
  /** What promtool says when it looks for alerts at minute 25 and expects none. */
  const check = (at: 1 | 2): readonly [status: number | null, text: string] => {
    const input_series = (sick[alertname] ?? []).map((row) => ({ series: row[0], values: row[at] }));
    const rule = { eval_time: "25m", alertname, exp_alerts: [] };
    // JSON is YAML.
    writeFileSync(
      file,
      JSON.stringify({ rule_files: [rules], tests: [{ interval: "1m", input_series, alert_rule_test: [rule] }] }),
    );
    const { status, stdout, stderr } = spawnSync("promtool", ["test", "rules", file], { encoding: "utf8" });
    return [status, stdout + stderr];
  };
  expect(check(1)).toEqual([0, expect.stringContaining("SUCCESS")]);
  const [status, text] = check(2);
  // promtool compares whole texts: what it got is in what it has to say.
  expect(status).toBe(1);
  expect(text).toContain(`alertname="${alertname}"`);
  expect(text).toMatch(/gate|room/);
  expect(text).not.toContain("<no value>");
});
