import { once } from "node:events";
import { execPath } from "node:process";
import { expect, test } from "vitest";
import { startChild } from "../support/child.ts";

test("a process stays until its server has started, and until it has stopped, though nothing else keeps it", async () => {
  const { process: child } = startChild(execPath, ["--conditions=nano-source", "test/server/lonely-server.ts"]);
  let said = "";
  child.stdout?.on("data", (text: Buffer) => {
    said += text;
  });
  const [code] = await once(child, "close");
  expect([code, said]).toEqual([0, "started\nstopped\n"]);
});
