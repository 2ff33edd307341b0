import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import type { ClientService } from "../../contract/index.ts";
import type { ClientRelease } from "../../frontend/index.ts";
import { type Command, CommandError } from "../command.ts";
import { importModule } from "../import-module.ts";

const help = `Usage: nano-cli release NAME --file FILE MODULE...

Notes in a file what a release of your clients was generated from. Check the file in,
and give it to createServer({ clients }): servers then need not tell these clients
their dictionary, count them by release, and can refuse those before a minimum.

  NAME         as you call the release: 1.4.0
  --file FILE  the file, as clients.json; made where it is not there yet
  MODULE       what protoc-gen-nano has printed, as gen/chat/v1/chat_client.ts

The newest release stands last. Noting a release again changes nothing; noting other
services under the same name is refused.`;

/** `nano-cli release`. */
export const releaseCommand: Command = {
  name: "release",
  help,
  async run(args, { print }) {
    const { name, file, modules } = readArgs(args);
    const releases = await readReleases(file);
    const services = (await Promise.all(modules.map(servicesOf))).flat();
    const release: ClientRelease = {
      name,
      services: Object.fromEntries(services.sort(([one], [other]) => (one < other ? -1 : 1))),
    };
    const before = releases.find((one) => one.name === name);
    if (before && JSON.stringify(before) !== JSON.stringify(release)) {
      throw new CommandError(`${file} has a release ${name} already, with other services: take another name`);
    }
    if (!before) await writeFile(file, `${JSON.stringify({ releases: [...releases, release] }, null, 2)}\n`);
    for (const [service, { fingerprint }] of services) print(`${fingerprint}  ${service}`);
    return 0;
  },
};

function readArgs(args: readonly string[]): {
  readonly name: string;
  readonly file: string;
  readonly modules: readonly string[];
} {
  const options = { file: { type: "string" } } as const;
  let parsed: { readonly values: { readonly file?: string }; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli release --help)`);
  }
  const [name, ...modules] = parsed.positionals;
  const { file } = parsed.values;
  if (name === undefined) throw new CommandError("NAME is missing (see nano-cli release --help)");
  if (file === undefined) throw new CommandError("--file FILE is missing (see nano-cli release --help)");
  if (modules.length === 0) throw new CommandError("no MODULE is named (see nano-cli release --help)");
  return { name, file, modules };
}

async function readReleases(file: string): Promise<readonly ClientRelease[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (reason) {
    if (reason instanceof Error && "code" in reason && reason.code === "ENOENT") return [];
    throw new CommandError(`${file} cannot be read: ${reason instanceof Error ? reason.message : reason}`);
  }
  try {
    const { releases }: { readonly releases?: unknown } = JSON.parse(text);
    // The server looks at the releases themselves when it is given them.
    if (Array.isArray(releases)) return releases;
  } catch {
    // What is no JSON is no file of releases either.
  }
  throw new CommandError(`${file} is no file of releases: name another, or delete it`);
}

async function servicesOf(path: string): Promise<[string, ClientRelease["services"][string]][]> {
  const services = Object.values(await importModule(path)).filter(isService);
  if (services.length === 0)
    throw new CommandError(`${path} has no services: name what protoc-gen-nano has printed, *_client.ts`);
  return services.map(({ service, fingerprint = "", methods }) => {
    const routes = Object.values(methods).map(({ route }) => route);
    return [service, { fingerprint, routes: routes.sort() }];
  });
}

function isService(value: unknown): value is ClientService<unknown> {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "client" && "methods" in value;
}
