// Runs the tests. Brings what they need where it can (Debian, as root), and says otherwise what to install.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bring } from "./bring.ts";

const needs = [
  { command: "etcd", debian: "etcd-server" },
  { command: "etcdctl", debian: "etcd-client" },
  { command: "chromium", debian: "chromium" },
  { command: "haproxy", debian: "haproxy" },
  { command: "openssl", debian: "openssl" },
  { command: "prometheus", debian: "prometheus" },
  { command: "redis-server", debian: "redis-server" },
];

// For the servers in other languages.
const languages = [
  {
    command: "python3",
    debian: "python3-venv",
    probe: "python3 -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))'",
  },
  {
    command: "go",
    debian: "golang-go",
    atLeast: "1.24",
    probe: "go env GOVERSION | grep -Eq '^go1\\.(2[4-9]|[3-9][0-9])'",
  },
];

// Where Go's own installer puts it: not every shell looks there.
process.env["PATH"] = `${process.env["PATH"] ?? ""}:/usr/local/go/bin`;
bring(needs, "will fail");
bring(languages, "are left out");
const folder = mkdtempSync(join(tmpdir(), "nano-test-"));
const report = join(folder, "report.json");
const { status } = spawnSync(
  "vitest",
  [
    "run",
    ...process.argv.slice(2),
    "--reporter=default",
    `--reporter=${join(import.meta.dirname, "second-tries.ts")}`,
    "--reporter=json",
    `--outputFile.json=${report}`,
  ],
  { stdio: "inherit" },
);
const { passed, failed } = count(report, status);
rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed > 0 || status !== 0 ? 1 : 0);

/** A file that does not load has no tests: it counts as one that failed. */
function count(file: string, exit: number | null): { readonly passed: number; readonly failed: number } {
  try {
    const result: {
      readonly numPassedTests: number;
      readonly numFailedTests: number;
      readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
    } = JSON.parse(readFileSync(file, "utf8"));
    const broken = result.testResults.filter((one) => one.status === "failed" && one.assertionResults.length === 0).length;
    const failed = result.numFailedTests + broken;
    return { passed: result.numPassedTests, failed: failed === 0 && exit !== 0 ? 1 : failed };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
