import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { resolveLimits } from "../../src/frontend/limits.ts";
import { createFrontendCounters } from "../../src/metrics/index.ts";

const page = readFileSync(new URL("../../docs/limits.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d.]+) \|/gm)].map(([, name = "", value]) => [name, Number(value)] as const);

test("docs/limits.md has every limit with its default", () => {
  expect(Object.fromEntries(rows)).toEqual(resolveLimits());
  expect(rows).toHaveLength(Object.keys(resolveLimits()).length);
});

test("every limit is counted, but for those that the page names", () => {
  const uncounted = ["messagesBurst", "bytesBurst", "heartbeatMs", "resumeMs"];
  const counted = rows.map(([name]) => name).filter((name) => !uncounted.includes(name));
  expect(Object.keys(createFrontendCounters().limits).sort()).toEqual([...counted, "methodLimit", "methodBytes"].sort());
});
