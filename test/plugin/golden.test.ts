import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DescExtension, getExtension, hasExtension, type Message } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { beforeAll, expect, test } from "vitest";
import { file_nano_options } from "../../gen/nano/options_pb.ts";
import { buildPlugin } from "../../plugin/build.ts";
import { errorCodes } from "../../plugin/error-codes.ts";
import { protocGenNano } from "../../plugin/plugin.ts";
import { codes } from "../../src/error/code.ts";
import { compile, print, printBy, requestFor, root } from "./compile.ts";

const folder = join(root, "test/plugin/golden");
const names = ["every.proto", "names.proto"];
let files: readonly FileDescriptorProto[];

beforeAll(async () => {
  const texts = names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const);
  files = await compile(Object.fromEntries(await Promise.all(texts)));
});

// `vitest run test/plugin -u` writes them anew. tsc checks them with everything else.
test("what is printed is what the golden files hold", async () => {
  const messages = printBy(["protoc-gen-es"], requestFor(files, names, "target=ts,import_extension=ts,erasable_syntax=true"));
  const printed = Object.entries({ ...print(files, ...names), ...messages });
  expect(printed.length).toBe(8);
  for (const [name, content] of printed) await expect(content).toMatchFileSnapshot(join(folder, "gen", name));
});

test("codecs=reflected prints none, for whoever has few bytes to spare", () => {
  const request = requestFor(files, names, "target=ts,import_extension=ts,codecs=reflected");
  const printed = protocGenNano.run(request).file.map(({ name, content }) => [name ?? "", content ?? ""] as const);
  expect(printed.map(([name]) => name).sort()).toEqual(
    Object.keys(print(files, ...names))
      .filter((name) => !name.endsWith("_codec.ts"))
      .sort(),
  );
  for (const [, content] of printed) expect(content).not.toContain("_codec");
});

test("clients=printed has clients read and write by what is printed for servers, and changes nothing else", () => {
  const request = requestFor(files, names, "target=ts,import_extension=ts,clients=printed");
  const usual = print(files, ...names);
  const bare = (content: string): string => content.replace(/^.* with parameter .*\n/, "");
  const codecs = [];
  for (const { name = "", content = "" } of protocGenNano.run(request).file) {
    if (name.endsWith("_client.ts")) codecs.push(...(content.match(/^ +(?:input|output): .*$/gm) ?? []));
    else expect(bare(content)).toBe(bare(usual[name] ?? ""));
  }
  expect(codecs.length).toBeGreaterThan(3);
  for (const codec of codecs) expect(codec).toMatch(/^ +(?:input|output): \w+Codec,$/);
});

test("every.proto uses every option that there is", () => {
  const used = new Set<string>();
  const every = files.find(({ name }) => name === "every.proto");
  for (const holder of [every, ...(every?.service ?? []), ...(every?.service ?? []).flatMap(({ method }) => method)]) {
    for (const extension of file_nano_options.extensions) collect(holder?.options, extension, used);
  }
  const all = [
    ...file_nano_options.extensions.map(({ typeName }) => typeName),
    ...file_nano_options.messages.flatMap(({ typeName, fields }) => fields.map(({ name }) => `${typeName}.${name}`)),
    ...file_nano_options.enums.flatMap(({ values }) => values.filter(({ number }) => number > 0).map(({ name }) => name)),
  ];
  expect(all.filter((option) => !used.has(option))).toEqual([]);
});

/** Adds the names of an option, of the fields that are set in it, and of the values of its enums. */
function collect(options: Message | undefined, extension: DescExtension, used: Set<string>): void {
  if (!options || extension.extendee.typeName !== options.$typeName || !hasExtension(options, extension)) return;
  used.add(extension.typeName);
  const value: unknown = getExtension(options, extension);
  if (extension.message) collectFields(reflect(extension.message, value as Message), used);
}

function collectFields(message: ReflectMessage, used: Set<string>): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    used.add(`${message.desc.typeName}.${field.name}`);
    if (field.fieldKind === "enum") used.add(field.enum.value[message.get(field)]?.name ?? "");
    if (field.fieldKind === "message") collectFields(message.get(field), used);
    if (field.fieldKind === "list" && field.listKind === "message") {
      for (const one of message.get(field)) collectFields(one as ReflectMessage, used);
    }
  }
}

test("the bundle that is shipped prints what the sources print", async () => {
  const out = await mkdtemp(join(tmpdir(), "nano-bundle-"));
  try {
    const bundle = join(out, "protoc-gen-nano.js");
    await buildPlugin(bundle);
    expect(printBy([process.execPath, bundle], requestFor(files, names))).toEqual(print(files, ...names));
  } finally {
    await rm(out, { recursive: true, force: true });
  }
});

test("the plugin and the runtime know the same error codes", () => {
  expect([...errorCodes]).toEqual([...codes]);
});
