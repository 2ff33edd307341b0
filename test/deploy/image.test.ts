import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startChild } from "../support/child.ts";
import { freePort } from "../support/port.ts";
import { dockerfile, path } from "./manifests.ts";

const folder = mkdtempSync(join(tmpdir(), "nano-image-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a fresh checkout has under a name: what is built, installed or ignored is not there. */
function checkedOut(name: string): readonly string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", name], {
    cwd: path("."),
    encoding: "utf8",
  });
  return listed.split("\n").filter((file) => file !== "");
}

/** COPY: a folder's content goes into the target, a file by its name. */
function copy(sources: readonly string[], target: string): void {
  for (const source of sources) {
    const files = checkedOut(source);
    expect(files, source).not.toEqual([]);
    for (const file of files) {
      const to = join(folder, target, file === source ? basename(source) : file.slice(source.length + 1));
      mkdirSync(dirname(to), { recursive: true });
      cpSync(path(file), to);
    }
  }
}

// There is no builder of images here: what its lines do is done as it would do it, in a folder of its own.
test("what the image's lines do makes a folder in which its command runs, and ends in good order", async () => {
  const variables: Record<string, string> = {};
  const lines = dockerfile.join("\n").replaceAll("\\\n", " ").split("\n");
  const given: Record<string, readonly string[]> = {};
  for (const line of lines) {
    const [word = "", ...words] = line.split(/\s+/);
    if (word === "ENV") Object.assign(variables, Object.fromEntries(words.map((each) => each.split("="))));
    else if (word === "COPY") copy(words.slice(0, -1), words.at(-1) ?? "");
    else if (word === "RUN") {
      const { status, stderr } = spawnSync("sh", ["-c", line.slice("RUN ".length)], {
        cwd: folder,
        env: { ...process.env, ...variables },
        encoding: "utf8",
      });
      expect([status, stderr.replaceAll(/^npm (notice|warn).*\n/gm, "")]).toEqual([0, ""]);
    } else if (word === "ENTRYPOINT" || word === "CMD") given[word] = JSON.parse(line.slice(word.length + 1));
  }
  const [program, ...options] = given["ENTRYPOINT"] ?? [];
  expect(program).toBe("node");
  const [script = "", ...rest] = given["CMD"] ?? [];
  const [http, clients] = [await freePort(), await freePort()];
  const child = startChild(process.execPath, [...options, join(folder, script), ...rest], {
    ...variables,
    NANO_ID: "gate-1",
    NANO_HTTP_LISTEN: `127.0.0.1:${http}`,
    NANO_TCP_LISTEN: `127.0.0.1:${clients}`,
    NANO_PROMETHEUS: "true",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
  });
  try {
    const status = async (): Promise<number> =>
      (await fetch(`http://127.0.0.1:${http}/readyz`).catch(() => undefined))?.status ?? 0;
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
    expect(await (await fetch(`http://127.0.0.1:${http}/metrics`)).text()).toContain("nano_ready 1");
  } finally {
    expect(await child.end("SIGTERM")).toBe(0);
  }
}, 300_000);
