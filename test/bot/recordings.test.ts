import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { replayPage } from "../support/stage.ts";

/** Figures are others each time, and so is how wide they stand; how often it tells of itself, and whether the chat's times hold, is a matter of the machine. */
function masked(text: string): string {
  return text
    .replaceAll(/^\d+ s: .*\n/gm, "")
    .replaceAll(/[\d.]+ (?:ms|s)\b/g, "T")
    .replaceAll(/^(?:passed|FAILED: p99 is T, more than T)\n/gm, "")
    .replaceAll(/\b\d+(?:\.\d+)?\b/g, "N")
    .replaceAll(/ +/g, " ");
}

test("all that docs/bot.md shows of nano-bot is what it prints", async () => {
  const played = await replayPage(await readFile("docs/bot.md", "utf8"));
  expect(played.length).toBeGreaterThan(4);
  for (const { command, shown, came } of played) expect(`$ ${command}\n${masked(came)}`).toBe(`$ ${command}\n${masked(shown)}`);
}, 120_000);
