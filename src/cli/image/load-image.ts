import { readFile, stat } from "node:fs/promises";
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { readServices } from "../../../plugin/model.ts";
import { CommandError } from "../command.ts";
import type { Image } from "./image.ts";
import { buildLoose, isOfWorkspace, looseRemedy } from "./loose-folder.ts";
import { buildRevision, findRevision } from "./revision.ts";
import { runTool } from "./run-tool.ts";

/**
 * Reads a schema: an image that `buf build` or `protoc` has written, or a folder, which buf compiles, with a buf.yaml or without.
 *
 * @throws CommandError Where it is neither, or does not compile.
 */
export async function loadImage(source: string): Promise<Image> {
  const kind = await kindOf(source);
  if (!kind) throw new CommandError(`${source} is no file and no folder`);
  if (kind === "file" && source.endsWith(".proto"))
    throw new CommandError(`${source} is one .proto: name the folder that its imports are relative to`);
  return readImage(kind === "file" ? await readFile(source) : await build(source), source);
}

/**
 * Reads what a schema is held against: an image, a folder, or a revision of git, in which the folder `input` is compiled.
 *
 * @throws CommandError Where it is none of them, or does not compile.
 */
export async function loadBaseline(source: string, input: string): Promise<Image> {
  if (await kindOf(source)) return loadImage(source);
  if ((await kindOf(input)) !== "folder") {
    throw new CommandError(`${source} is no file and no folder, and a revision of git needs a folder to look into, not ${input}`);
  }
  const revision = await findRevision(source, input);
  if (!revision) throw new CommandError(`${source} is no file, no folder and no revision of git`);
  return readImage(await buildRevision(revision, source), source);
}

async function kindOf(path: string): Promise<"file" | "folder" | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ? "folder" : found?.isFile() ? "file" : undefined;
}

async function build(input: string): Promise<Uint8Array> {
  const first = (await isOfWorkspace(input))
    ? await runTool("buf", ["build", input, "--as-file-descriptor-set", "-o", "-"])
    : await buildLoose(input);
  if (first.status === 0) return first.stdout;
  // The buf.yaml that was found may name other folders, and not this one.
  const remedy = looseRemedy(first.stderr);
  const second = remedy === "" ? first : await buildLoose(input);
  if (second.status === 0) return second.stdout;
  throw new CommandError(`buf cannot build ${input}:\n${first.stderr}${remedy}`);
}

function readImage(bytes: Uint8Array, source: string): Image {
  try {
    const files = [...createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).files];
    return { bytes, files, services: readServices(files) };
  } catch (reason) {
    const why = reason instanceof Error ? reason.message : String(reason);
    throw new CommandError(`${source} is no image with all its imports (buf build -o FILE.binpb): ${why}`);
  }
}
