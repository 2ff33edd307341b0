import { expect, test } from "vitest";
import { startChild } from "../support/child.ts";

test.each([
  ["as it is", [], "direct"],
  [
    "under the permission model, which has no `process.binding`",
    ["--permission", "--allow-fs-read=*", "--allow-net"],
    "by streams",
  ],
])("what is sent over TCP arrives, in order, in a Node %s", async (_what, flags, way) => {
  const known = flags.filter((flag) => process.allowedNodeEnvironmentFlags.has(flag.split("=")[0] ?? ""));
  const child = startChild(process.execPath, ["--conditions=nano-source", ...known, `${import.meta.dirname}/streams-child.ts`]);
  expect(await child.line((line) => line.startsWith("came"))).toBe(`came ${way}, false false, as sent, 0 wait`);
  await child.end("SIGTERM");
});
