import { access, copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { CommandError } from "../command.ts";
import { runTool, type ToolOutcome } from "./run-tool.ts";

// More is somebody's home, and no schema.
const mostEntries = 50_000;

/** Whether a folder is of a buf workspace: it, or one above it, says how it is compiled. */
export async function isOfWorkspace(folder: string): Promise<boolean> {
  for (let at = resolve(folder); ; at = dirname(at)) {
    for (const name of ["buf.yaml", "buf.work.yaml"]) if (await isThere(join(at, name))) return true;
    if (at === dirname(at)) return false;
  }
}

/**
 * Compiles a folder of .proto that nobody has told buf about: its imports are relative to it, and what nano and protovalidate have is there for it.
 * What node_modules and hidden folders hold is no part of it.
 *
 * @param name What it is called to whoever asked.
 * @throws CommandError Where there is no .proto.
 */
export async function buildLoose(folder: string, name = folder): Promise<ToolOutcome> {
  const files = await protosIn(folder, name);
  if (files.length === 0) throw new CommandError(`${name} has no .proto: name the folder that holds them`);
  const workspace = await mkdtemp(join(tmpdir(), "nano-schema-"));
  try {
    for (const file of files) await copy(join(folder, file), join(workspace, "schema", file));
    const modules = ["schema"];
    const own = dirname(createRequire(import.meta.url).resolve("nano-rpc/package.json"));
    for (const [module, root, file] of [
      ["nano", "proto", "nano/options.proto"],
      ["protovalidate", "third_party/protovalidate", "buf/validate/validate.proto"],
    ] as const) {
      // Twice it would be another one.
      if (files.includes(file)) continue;
      await copy(join(own, root, file), join(workspace, module, file));
      modules.push(module);
    }
    await writeFile(join(workspace, "buf.yaml"), JSON.stringify({ version: "v2", modules: modules.map((path) => ({ path })) }));
    const schema = join(workspace, "schema");
    const { stderr, ...rest } = await runTool("buf", ["build", schema, "--as-file-descriptor-set", "-o", "-"]);
    return { ...rest, stderr: stderr.replaceAll(`${schema}/`, "") };
  } finally {
    await rm(workspace, { recursive: true, force: true });
  }
}

const rootless =
  "imports are relative to the folder that is named; what comes from elsewhere has to stand in it, or a buf.yaml above it has to name it";

/** What to do about what buf says of such a folder, on a line of its own; empty where that is not known. */
export function looseRemedy(said: string): string {
  return said.includes("imported file does not exist") ? `\n${rootless}` : "";
}

/** All .proto of a folder, relative to it. */
async function protosIn(folder: string, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  let entries = 0;
  const look = async (at: string): Promise<void> => {
    for (const entry of await readdir(join(folder, at), { withFileTypes: true })) {
      if (++entries > mostEntries)
        throw new CommandError(`${name} holds over ${mostEntries} files: name the folder of the schema`);
      const path = at === "" ? entry.name : `${at}/${entry.name}`;
      if (entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith(".")) await look(path);
      else if (entry.isFile() && entry.name.endsWith(".proto")) found.push(path);
    }
  };
  await look("");
  return found;
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
