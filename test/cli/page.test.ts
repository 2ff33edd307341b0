import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { verbs } from "../../src/cli/talk/verbs.ts";
import { replayPage } from "../support/stage.ts";

/** What is another on each machine, and each time: versions, ports, times, bytes. */
function masked(text: string): string {
  return text
    .replaceAll(/^(?:warning|ok +) +open files: .*\n(?: {9}.*\n)?/gm, "")
    .replaceAll(/(->|<-) [0-9a-f]+/g, "$1 HEX")
    .replaceAll(/\d+ ms/g, "N ms")
    .replaceAll(/Node: [\d.]+/g, "Node: N")
    .replaceAll(/127\.0\.0\.1:\d+ +/g, "127.0.0.1:PORT ")
    .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:PORT")
    .replaceAll(/address +version/g, "address version");
}

test("all that docs/cli.md shows of nano-cli is what it prints, and the page has all that can be typed", async () => {
  const page = await readFile("docs/cli.md", "utf8");
  const played = await replayPage(page);
  expect(played.length).toBeGreaterThan(8);
  for (const { command, shown, came } of played) expect(`$ ${command}\n${masked(came)}`).toBe(`$ ${command}\n${masked(shown)}`);
  for (const { name } of verbs) expect(page).toContain(`| \`${name}`);
}, 120_000);
