import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import type { ServiceDefinition } from "../../contract/index.ts";
import { packSchema } from "../../route/index.ts";
import { type Command, CommandError } from "../command.ts";
import { importModule } from "../import-module.ts";

const help = `Usage: nano-cli schema --out FILE MODULE...

Writes the schema of services into a file, for servers in other languages: they put
it into etcd, byte for byte, under <prefix>/schemas/<hash>. Prints the hash: the
SHA-256, in hex, of what is inside of the gzip.

  MODULE      what protoc-gen-nano has printed, as gen/chat/v1/chat_nano.ts
  --out FILE  where to write it, as chat.nanoschema

The same services give the same file, whenever it is made.`;

/** `nano-cli schema`. */
export const schemaCommand: Command = {
  name: "schema",
  help,
  async run(args, { print }) {
    const { out, modules } = readArgs(args);
    const services = (await Promise.all(modules.map(servicesOf))).flat();
    const { hash, gzip } = packSchema(services);
    await writeFile(out, stored(gunzipSync(gzip)));
    print(hash);
    return 0;
  },
};

function readArgs(args: readonly string[]): { readonly out: string; readonly modules: readonly string[] } {
  const options = { out: { type: "string" } } as const;
  let parsed: { readonly values: { readonly out?: string }; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli schema --help)`);
  }
  const { values, positionals } = parsed;
  if (values.out === undefined) throw new CommandError("--out FILE is missing (see nano-cli schema --help)");
  if (positionals.length === 0) throw new CommandError("no MODULE is named (see nano-cli schema --help)");
  return { out: values.out, modules: positionals };
}

async function servicesOf(path: string): Promise<ServiceDefinition<unknown>[]> {
  const services = Object.values(await importModule(path)).filter(isService);
  if (services.length === 0) throw new CommandError(`${path} has no services: name what protoc-gen-nano has printed`);
  return services;
}

function isService(value: unknown): value is ServiceDefinition<unknown> {
  if (typeof value !== "object" || value === null || !("kind" in value) || !("methods" in value)) return false;
  return value.kind === "handler" || value.kind === "remote";
}

/** Gzipped without compressing, and without a word of the system: the same bytes everywhere. */
function stored(bytes: Uint8Array): Uint8Array {
  const gzip = gzipSync(bytes, { level: 0 });
  gzip[systemAt] = unknownSystem;
  return gzip;
}

const systemAt = 9;
const unknownSystem = 255;
