import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { CommandError } from "../command.ts";

/** What is read of package.json, nano-rpc's and a project's. */
interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

// npm leaves files of these names out of packages, or reads them itself.
const dotted = ["gitignore", "dockerignore"];

/**
 * Writes the template into the new folder `name`. Gives the files that it wrote, in order.
 *
 * @throws CommandError Where the folder is there and not empty, or cannot be written.
 */
export async function makeProject(name: string): Promise<readonly string[]> {
  const own = createRequire(import.meta.url).resolve("nano-rpc/package.json");
  const template = join(dirname(own), "template");
  const manifest: Manifest = JSON.parse(await readFile(own, "utf8"));
  const entries = await readdir(template, { recursive: true, withFileTypes: true });
  const written: string[] = [];
  try {
    await mkdir(name, { recursive: true });
    if ((await readdir(name)).length > 0) throw new CommandError(`${name} is there, and not empty`);
    for (const entry of entries.filter((one) => one.isFile())) {
      const from = join(entry.parentPath, entry.name);
      const folder = entry.parentPath.slice(template.length + 1);
      const path = join(folder, dotted.includes(entry.name) ? `.${entry.name}` : entry.name);
      const text = (await readFile(from, "utf8")).replaceAll("NAME", name);
      await mkdir(join(name, folder), { recursive: true });
      await writeFile(join(name, path), path === "package.json" ? withVersions(text, manifest) : text);
      written.push(path.replaceAll(sep, "/"));
    }
  } catch (reason) {
    if (reason instanceof CommandError) throw reason;
    throw new CommandError(`${name} cannot be written: ${reason instanceof Error ? reason.message : reason}`);
  }
  return written.sort();
}

/** The template names packages without versions: a project begins with those that this nano-rpc was tested with. */
function withVersions(text: string, { version, dependencies, devDependencies }: Manifest): string {
  const versions: Readonly<Record<string, string>> = { ...devDependencies, ...dependencies, "nano-rpc": version };
  const pinned = (names: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.keys(names).map((name) => [name, versions[name] ?? "*"]));
  const project: Manifest = JSON.parse(text);
  const made = {
    ...project,
    dependencies: pinned(project.dependencies),
    devDependencies: pinned(project.devDependencies),
  };
  return `${JSON.stringify(made, null, 2)}\n`;
}
