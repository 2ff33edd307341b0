import { once } from "node:events";
import { execPath } from "node:process";
import { describe, expect, test } from "vitest";
import { startChild } from "../support/child.ts";

/** Its exit code, and what it has said. */
async function run(how: string, uncaught = "stop"): Promise<{ readonly code: number | null; readonly said: string }> {
  const { process: child } = startChild(execPath, ["--conditions=nano-source", "test/server/broken-server.ts", how, uncaught]);
  let said = "";
  child.stdout?.on("data", (text: Buffer) => {
    said += text;
  });
  const [code] = await once(child, "close");
  return { code, said };
}

describe("an error that nobody caught", () => {
  test.each(["thrown", "rejected"])("%s: is logged, the server stops in order, and the process ends with 1", async (how) => {
    const { code, said } = await run(how);
    expect(code).toBe(1);
    expect(said).toContain("nobody caught an error: stopping");
    expect(said).toContain("nobody is there");
    expect(said).toContain("stopped in order");
  });

  test("twice: the process ends at once, with 1", async () => {
    const { code, said } = await run("twice");
    expect(code).toBe(1);
    expect(said).toContain("ending at once");
    expect(said).not.toContain("stopped in order");
  });

  test("where the server was not told: Node ends the process with 1", async () => {
    const { code, said } = await run("thrown", "");
    expect(code).toBe(1);
    expect(said).not.toContain("stopped in order");
  });
});
