import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { CommandError } from "../command.ts";
import { buildLoose, looseRemedy } from "./loose-folder.ts";
import { runTool, type ToolOutcome } from "./run-tool.ts";

/** A folder as it was in a revision of git. */
export interface Revision {
  /** Where the repository is. */
  readonly top: string;
  readonly commit: string;
  /** In the repository, by slashes; empty: all of it. */
  readonly folder: string;
}

/** What a revision holds of a folder; undefined where there is no repository, or no such revision in it. */
export async function findRevision(name: string, folder: string): Promise<Revision | undefined> {
  const top = await git(folder, "rev-parse", "--show-toplevel");
  const commit = await git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`);
  if (!top || !commit) return undefined;
  return { top, commit, folder: relative(await realpath(top), await realpath(folder)).replaceAll("\\", "/") };
}

/**
 * Compiles a folder as it was in a revision: by the buf.yaml that was there, or without one as folders without are.
 *
 * @throws CommandError Where it was not there, or does not compile.
 */
export async function buildRevision({ top, commit, folder }: Revision, name: string): Promise<Uint8Array> {
  const at = folder === "" ? "." : folder;
  const tree = folder === "" ? `${commit}^{tree}` : `${commit}:${folder}`;
  if ((await git(top, "cat-file", "-t", tree)) !== "tree")
    throw new CommandError(`${name} has no folder ${at}: name one that was there then, or compare with an image of it`);
  const config = await configOf(top, commit, folder);
  if (config === undefined) return built(await loose(top, tree, `${at} of ${name}`), name);
  const { stdout } = await archive(top, commit);
  const source = folder === "" ? "-#format=tar" : `-#format=tar,subdir=${folder}`;
  const outcome = await runTool("buf", ["build", source, "--as-file-descriptor-set", "-o", "-"], stdout);
  const elsewhere = /\bnode_modules\b/.test((await git(top, "show", `${commit}:${config}`)) ?? "");
  return built(
    outcome,
    name,
    elsewhere ? `\n${config} of ${name} names node_modules, which git does not have: ${imageRemedy}` : "",
  );
}

const imageRemedy = "keep an image of each release (npx buf build -o FILE.binpb), and compare with that";

function built({ status, stdout, stderr }: ToolOutcome, name: string, remedy = looseRemedy(stderr)): Uint8Array {
  if (status === 0) return stdout;
  throw new CommandError(`buf cannot build ${name}:\n${stderr}${remedy}`);
}

/** What says how a folder is compiled: it stands there, or above. */
async function configOf(top: string, commit: string, folder: string): Promise<string | undefined> {
  const steps = folder === "" ? [] : folder.split("/");
  for (let length = steps.length; length >= 0; length--) {
    for (const name of ["buf.yaml", "buf.work.yaml"]) {
      const path = [...steps.slice(0, length), name].join("/");
      if ((await git(top, "cat-file", "-t", `${commit}:${path}`)) === "blob") return path;
    }
  }
  return undefined;
}

async function loose(top: string, tree: string, name: string): Promise<ToolOutcome> {
  const folder = await mkdtemp(join(tmpdir(), "nano-revision-"));
  try {
    const { stdout } = await archive(top, tree);
    const { status, stderr } = await runTool("tar", ["-x", "-C", folder, "-f", "-"], stdout);
    if (status !== 0) throw new CommandError(`tar: ${stderr}`);
    return await buildLoose(folder, name);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function archive(top: string, tree: string): Promise<ToolOutcome> {
  const outcome = await runTool("git", ["-C", top, "archive", "--format=tar", tree]);
  if (outcome.status !== 0) throw new CommandError(`git archive ${tree}: ${outcome.stderr}`);
  return outcome;
}

async function git(folder: string, ...args: readonly string[]): Promise<string | undefined> {
  const { status, stdout } = await runTool("git", ["-C", resolve(folder), ...args]);
  return status === 0 ? Buffer.from(stdout).toString().trim() : undefined;
}
