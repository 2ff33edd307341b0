import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { implement } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import { expect, test } from "vitest";
import { root } from "./compile.ts";
import { NamesClient } from "./golden/gen/names_client.ts";
import { NamesHandler } from "./golden/gen/names_nano.ts";

test("every method of a client is found under the name that is printed, however the rpc is named", async () => {
  const printed = await readFile(join(root, "test/plugin/golden/gen/names_client.ts"), "utf8");
  const [, body = ""] = /^export interface NamesClient \{\n(.*?)^\}/ms.exec(printed) ?? [];
  const members = [...body.matchAll(/^ {2}(?:readonly )?"?([\w$]+)"?[(:]/gm)].map(([, name]) => name);
  const transport = { name: "none", open: () => Promise.reject(new Error("not here")) };
  expect(Object.keys(createClient({ transport }).service(NamesClient))).toEqual(members);
  expect(members).toContain("new");
  expect(members).toContain("onSaid");
});

test("methods are implemented under odd names too, beside messages with the names of what is imported", () => {
  const service = implement(NamesHandler, {
    delete: () => ({}),
    new: () => ({}),
    get_item: () => ({}),
    get_item_2: () => ({}),
    uRL: () => ({}),
    _hidden: () => ({}),
    x2Y: () => ({}),
    function: () => {},
    pick: ({ constructor$ }) => ({ constructor$ }),
  });
  expect(service).toMatchObject({ name: "names.NamesService", server: "names" });
});
