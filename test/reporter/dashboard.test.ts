import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { startPrometheus } from "../support/prometheus.ts";
import { startChat } from "./scraped-chat.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const file = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const rules = file("docs/prometheus/alerts.yml");

/** What the dashboard asks, with its variables set to everything. */
async function dashboardQueries(): Promise<readonly string[]> {
  const { panels } = JSON.parse(await readFile(file("docs/prometheus/grafana.json"), "utf8")) as {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels
    .flatMap(({ targets = [] }) => targets)
    .map(({ expr }) => expr.replaceAll(/\$(job|server)\b/g, ".*").replaceAll("$__rate_interval", "5m"));
}

test("the dashboard is what the list of metrics makes of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nano-dashboard-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  const printed = join(folder, "grafana.json");
  const made = spawnSync(execPath, ["--conditions=nano-source", file("scripts/dashboard.ts"), printed], { encoding: "utf8" });
  expect([made.status, made.stderr]).toEqual([0, ""]);
  expect(await readFile(file("docs/prometheus/grafana.json"), "utf8")).toBe(await readFile(printed, "utf8"));
});

test("promtool finds nothing to say against the alerts", () => {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", rules], { encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
});

test("a real Prometheus knows every name that dashboard and alerts ask for, and answers each of their queries", async () => {
  const { gate, play } = await startChat(cleanups);
  // A series with labels is there from its first value on.
  await play();
  const text = await readFile(rules, "utf8");
  const { ask, names } = await startPrometheus(`http://${gate.addresses["http"]}/sd`, cleanups, [rules]);
  await expect.poll(() => ask("nano_sessions"), { timeout: 20_000 }).toHaveLength(1);
  const queries = [...(await dashboardQueries())];
  const asked = [...queries, text].flatMap((query) => query.match(/\b(?:nano|nodejs|process)_[a-z0-9_]+/g) ?? []);
  const unknown = async (): Promise<readonly string[]> => {
    const known = await names();
    // In words a histogram has no ending.
    return [...new Set(asked)].filter((name) => !known.has(name) && !known.has(`${name}_count`));
  };
  // Node tells of collecting garbage when it has.
  await expect.poll(unknown, { timeout: 20_000 }).toEqual([]);
  expect(asked.length).toBeGreaterThan(30);
  // A label that a target has, too, would be another's.
  expect(await ask('{__name__=~"nano_.+",exported_type=~".+"}')).toEqual([]);
  expect((await ask('nano_servers{server="gate-1",type="room"}'))?.map(({ value }) => value[1])).toEqual(["1"]);
  for (const query of queries) expect({ query, answer: await ask(query) }).toMatchObject({ answer: expect.any(Array) });
});
