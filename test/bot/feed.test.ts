import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { feed } from "nano-rpc/bot";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-feed-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

test("rows of CSV are dealt out by index, quotes, commas and line ends in them included", async () => {
  const people = feed(await file("people.csv", 'name,word\r\nann,"a ""b"", c"\r\n"bob\nlee",\r\n'));
  expect(people.rows).toEqual([
    { name: "ann", word: 'a "b", c' },
    { name: "bob\nlee", word: "" },
  ]);
  expect([0, 1, 2].map((index) => people.of({ index })["name"])).toEqual(["ann", "bob\nlee", "ann"]);
});

test("so are lists, in JSON or at hand", async () => {
  expect(feed(await file("people.json", '[{"name":"ann"}]')).of({ index: 7 })).toEqual({ name: "ann" });
  expect(feed([1, 2, 3]).of({ index: 4 })).toBe(2);
});

test("what has no rows, or rows of other lengths, is refused", async () => {
  const [short, empty, none] = [await file("a.csv", "a,b\n1\n"), await file("b.csv", "a,b\n"), await file("c.json", "{}")];
  expect(() => feed(short)).toThrow("row 1 has 1 columns, not 2");
  expect(() => feed(empty)).toThrow("has no rows");
  expect(() => feed(none)).toThrow("is no list");
  expect(() => feed([])).toThrow("the feed has no rows");
});
