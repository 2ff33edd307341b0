import { createEcmaScriptPlugin } from "@bufbuild/protoplugin";
import { checkSchema } from "./check.ts";
import { codecModel } from "./codec-model.ts";
import { readServices } from "./model.ts";
import { policyTable } from "./policy-table.ts";
import { checkName, printCheckFile } from "./print-check.ts";
import { clientDoor, printClient } from "./print-client.ts";
import { reflectedCodecs } from "./print-codec.ts";
import { codecOf, printCodecFile } from "./print-codec-file.ts";
import { printServer } from "./print-server.ts";
import { ruleModel } from "./rule-model.ts";

/** What `opt` in buf.gen.yaml may say. */
interface Options {
  /** How servers read and write messages: by code that is printed for each (`*_codec.ts`, the default), or by descriptors at run time. */
  readonly codecs: "printed" | "reflected";
  /** How clients do: by descriptors (the default; small, for browsers), or by the same printed code, for clients in Node of which many run. */
  readonly clients: "printed" | "reflected";
}

/** Prints, beside what protoc-gen-es prints, `*_nano.ts` and `*_codec.ts` for servers, `*_client.ts` for clients, and `*_check.ts` for both. */
export const protocGenNano = createEcmaScriptPlugin({
  name: "protoc-gen-nano",
  version: "v0.1.0",
  parseOptions,
  generateTs(schema) {
    const services = readServices(schema.files);
    const rules = ruleModel(schema.files, services);
    checkSchema(schema.files, services, rules);
    const printed = schema.options.codecs === "printed";
    const codecs = codecModel(schema.files, services);
    for (const file of schema.files) {
      if (printed) printCodecFile(schema.generateFile(`${file.name}_codec.ts`), file, codecs);
      const ofFile = services.filter(({ desc }) => desc.file === file);
      printCheckFile(schema.generateFile(`${file.name}_check.ts`), file, ofFile, rules);
      if (ofFile.length === 0) continue;
      const f = schema.generateFile(`${file.name}_nano.ts`);
      printServer(f, file, ofFile, {
        codec: printed ? (message) => codecOf(f, file, message, codecs) : reflectedCodecs(f, serverDoor),
        check: (message) => (rules.hasRules(message) && rules.isWhole(message) ? checkName(f, message) : undefined),
        policyTable: (methods) => policyTable(methods, rules),
      });
      const handlers = ofFile.filter(({ kind }) => kind === "handler");
      if (handlers.length === 0) continue;
      const client = schema.generateFile(`${file.name}_client.ts`);
      const ofClients = schema.options.clients === "printed";
      printClient(
        client,
        file,
        handlers,
        ofClients ? (message) => codecOf(client, file, message, codecs) : reflectedCodecs(client, clientDoor),
      );
    }
  },
  generateJs: refuseTarget,
  generateDts: refuseTarget,
});

const serverDoor = "nano-rpc/codegen";

function parseOptions(options: readonly { readonly key: string; readonly value: string }[]): Options {
  const said: { -readonly [K in keyof Options]: Options[K] } = { codecs: "printed", clients: "reflected" };
  for (const { key, value } of options) {
    if (key !== "codecs" && key !== "clients") throw new Error(`"${key}" is no option: "codecs" and "clients" are`);
    if (value !== "printed" && value !== "reflected") throw new Error(`${key} is printed or reflected, not "${value}"`);
    said[key] = value;
  }
  if (said.clients === "printed" && said.codecs === "reflected")
    throw new Error("clients=printed leans on the codecs that codecs=reflected leaves out");
  return said;
}

function refuseTarget(): never {
  throw new Error('prints TypeScript only: write "opt: [target=ts]" in buf.gen.yaml');
}
