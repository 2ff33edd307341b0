import { spawnSync } from "node:child_process";
import { createServer } from "node:net";
import { execPath } from "node:process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/port.ts";

const taken = createServer();
let port = 0;

beforeAll(async () => {
  port = await freePort();
  await new Promise<void>((resolve) => taken.listen(port, "127.0.0.1", resolve));
});

afterAll(() => void taken.close());

test.each([
  ["demo", "ws"],
  ["demo", "tcp"],
  ["demo", "http"],
  ["main", "ws"],
  ["main", "http"],
])("%s whose port by --%s is in use ends with a line that says which, and how to choose another", (script, flag) => {
  const ports = { ws: 0, tcp: 0, http: 0, [flag]: port };
  const args = Object.entries(ports).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const { status, stderr } = spawnSync(execPath, ["--conditions=nano-source", `examples/chat/src/${script}.ts`, ...args], {
    encoding: "utf8",
    timeout: 60_000,
  });
  expect([
    status,
    stderr
      .trimEnd()
      .split("\n")
      .filter((line) => !line.startsWith("{")),
  ]).toEqual([1, [`port ${port} is in use, perhaps by another chat: choose another by --${flag} PORT, or any by --${flag} 0`]]);
});
