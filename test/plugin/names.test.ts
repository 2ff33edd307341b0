import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { implement } from "nano-rpc";
import { createClient } from "nano-rpc/client";
import * as door from "nano-rpc/codegen";
import { expect, test } from "vitest";
import { takenNames } from "../../plugin/print-codec-file.ts";
import { ByteWriter } from "../../src/contract/index.ts";
import { root } from "./compile.ts";
import { NamesClient } from "./golden/gen/names_client.ts";
import { RoomCodec } from "./golden/gen/names_codec.ts";
import { NamesHandler } from "./golden/gen/names_nano.ts";
import { RoomSchema } from "./golden/gen/names_pb.ts";

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
    written: ({ string }) => string ?? {},
  });
  expect(service).toMatchObject({ name: "names.NamesService", server: "names" });
});

test("functions of printed codecs are named as none of those that they call", () => {
  const called = Object.keys(door).flatMap((name) => /^(?:zero|read|field|write|inherited)([A-Z]\w*)$/.exec(name)?.[1] ?? []);
  expect([...takenNames].sort()).toEqual(called.sort());
});

test("messages that are named like what codecs call are read and written", () => {
  const init = {
    ...{ places: [1, 2], string: { string: "s" }, bytes: { bytes: Uint8Array.of(1) }, tag: { tag: {} }, group: { group: {} } },
    ...{ unknown: { unknown: { 1: "u" } }, array: { array: [1] }, number: { number: { 5: true } } },
    ...{ own: { seconds: 1n }, at: { seconds: 2n, nanos: 3 } },
  };
  const writer = new ByteWriter();
  RoomCodec.encode(init, writer);
  const bytes = writer.slice(0, writer.length);
  expect(bytes).toEqual(toBinary(RoomSchema, create(RoomSchema, init)));
  expect(RoomCodec.decode(bytes, 0, bytes.length)).toStrictEqual(fromBinary(RoomSchema, bytes));
});
