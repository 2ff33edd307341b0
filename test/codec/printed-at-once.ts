import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { DescMessage, Message } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin } from "@bufbuild/protoplugin";
import { codecModel } from "../../plugin/codec-model.ts";
import type { ServiceModel } from "../../plugin/model.ts";
import { printCodecFile } from "../../plugin/print-codec-file.ts";
import type { Codec } from "../../src/contract/index.ts";
import { printBy, requestFor } from "../plugin/compile.ts";

/** Prints codecs of every message of some files, and loads them: the codecs, and what was printed. @param files With what they import. */
export async function printedAtOnce(
  files: readonly FileDescriptorProto[],
  names: readonly string[],
): Promise<{ readonly codecs: readonly Codec<Message>[]; readonly texts: readonly string[] }> {
  const parameter = "target=ts,import_extension=ts";
  const printed: Record<string, string> = {};
  let all: DescMessage[] = [];
  const plugin = createEcmaScriptPlugin({
    ...{ name: "printed-at-once", version: "v0" },
    generateTs(schema) {
      all = schema.files.flatMap((file) => [...nestedTypes(file)].filter((type) => type.kind === "message"));
      // As if a method asked for each.
      const methods = all.map((message) => ({ kind: "request", desc: { input: message, output: message } }));
      const codecs = codecModel(schema.files, [{ methods } as unknown as ServiceModel]);
      for (const file of schema.files) printCodecFile(schema.generateFile(`${file.name}_codec.ts`), file, codecs);
    },
  });
  for (const { name, content } of plugin.run(requestFor(files, names, parameter)).file) printed[name] = content;
  Object.assign(printed, printBy(["protoc-gen-es"], requestFor(files, names, `${parameter},erasable_syntax=true`)));
  // Inside the package, where they find what they import.
  const folder = await mkdtemp(join(import.meta.dirname, ".printed-"));
  try {
    for (const [name, content] of Object.entries(printed)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), content);
    }
    const found: Codec<Message>[] = [];
    const names = Object.keys(printed).filter((one) => one.endsWith("_codec.ts"));
    for (const name of names) {
      const module: Record<string, Codec<Message>> = await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href);
      found.push(...Object.values(module));
    }
    return { codecs: found, texts: names.map((name) => printed[name] ?? "") };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
