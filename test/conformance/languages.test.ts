import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { setUpGoRoom, startGoRoom } from "../languages/go-room.ts";
import { setUpPythonRoom, startPythonRoom } from "../languages/python-room.ts";
import { startEtcd } from "../support/etcd.ts";

const rooms = [
  { language: "Python", missing: setUpPythonRoom(), start: startPythonRoom, skips: ["call.remote-connect"] },
  { language: "Go", missing: setUpGoRoom(), start: startGoRoom, skips: [] },
];

for (const { language, missing, start, skips } of rooms) {
  if (missing !== undefined) console.log(`the conformance of the room in ${language} is left out: ${missing}`);
  describe.skipIf(missing !== undefined)(`the room in ${language}`, () => {
    test("passes the conformance kit whole", async () => {
      const folder = await mkdtemp(join(tmpdir(), "nano-conformance-"));
      onTestFinished(() => rm(folder, { recursive: true, force: true }));
      const token = join(folder, "token");
      await writeFile(token, "a secret of the cluster, over 32 bytes\n");
      const etcd = await startEtcd();
      onTestFinished(() => etcd.stop());
      const cluster = ["--discovery", `etcd://${etcd.endpoint}`, "--prefix", "/foreign", "--token-file", token];
      const child = start(["--id", "foreign", "--cluster", "127.0.0.1:0", ...cluster]);
      onTestFinished(async () => void (await child.end("SIGKILL")));
      await child.line((line) => line.startsWith("ready "), 60_000);
      const kit = ["--conditions=nano-source", "conformance/main.ts", ...cluster, "--pid", String(child.process.pid)];
      // Rejects with what it printed where a point failed.
      const { stdout } = await promisify(execFile)(execPath, kit);
      const skipped = stdout.split("\n").filter((row) => row.startsWith("skipped  "));
      expect(skipped.map((row) => row.split(/ +/)[1])).toEqual(skips);
      expect(stdout).toContain("drain.record");
    }, 180_000);
  });
}
