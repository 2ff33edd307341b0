import { createEcmaScriptPlugin } from "@bufbuild/protoplugin";
import { checkSchema } from "./check.ts";
import { readServices } from "./model.ts";
import { printClient } from "./print-client.ts";
import { printServer } from "./print-server.ts";

/** Prints, beside what protoc-gen-es prints, `*_nano.ts` for servers and `*_client.ts` for clients. */
export const protocGenNano = createEcmaScriptPlugin({
  name: "protoc-gen-nano",
  version: "v0.1.0",
  generateTs(schema) {
    const services = readServices(schema.files);
    checkSchema(schema.files, services);
    for (const file of schema.files) {
      const ofFile = services.filter(({ desc }) => desc.file === file);
      if (ofFile.length === 0) continue;
      printServer(schema.generateFile(`${file.name}_nano.ts`), file, ofFile);
      const handlers = ofFile.filter(({ kind }) => kind === "handler");
      if (handlers.length > 0) printClient(schema.generateFile(`${file.name}_client.ts`), file, handlers);
    }
  },
  generateJs: refuseTarget,
  generateDts: refuseTarget,
});

function refuseTarget(): never {
  throw new Error('prints TypeScript only: write "opt: [target=ts]" in buf.gen.yaml');
}
