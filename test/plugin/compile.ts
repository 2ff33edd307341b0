import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type CodeGeneratorRequest,
  CodeGeneratorRequestSchema,
  type CodeGeneratorResponse,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { protocGenNano } from "../../plugin/plugin.ts";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs one of the repository's tools. */
export function tool(
  name: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: Uint8Array; readonly env?: Readonly<Record<string, string>> } = {},
): { readonly status: number | null; readonly stdout: Uint8Array; readonly output: string } {
  const bin = join(root, "node_modules", ".bin");
  const { cwd = root, input } = options;
  const env = { ...process.env, PATH: `${bin}:${process.env["PATH"]}`, ...options.env };
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    cwd,
    input,
    env,
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { status, stdout, output: `${stdout}${stderr}` };
}

/** A folder with .proto files, by their paths, and the files of options beside them. It is gone when `use` is done. */
export async function withProtos<T>(
  protos: Readonly<Record<string, string>>,
  use: (folder: string) => T | Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nano-plugin-"));
  try {
    await cp(join(root, "proto/nano/options.proto"), join(folder, "proto/nano/options.proto"), { recursive: true });
    await cp(join(root, "third_party/protovalidate/buf"), join(folder, "proto/buf"), { recursive: true });
    for (const [path, text] of Object.entries(protos)) {
      await mkdir(dirname(join(folder, "proto", path)), { recursive: true });
      await writeFile(join(folder, "proto", path), text);
    }
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Compiles .proto files, all in one run of buf: each after what it imports. */
export function compile(protos: Readonly<Record<string, string>>): Promise<FileDescriptorProto[]> {
  return withProtos(protos, (folder) => {
    const { status, stdout, output } = tool("buf", ["build", join(folder, "proto"), "--as-file-descriptor-set", "-o", "-"]);
    if (status !== 0) throw new Error(output);
    return fromBinary(FileDescriptorSetSchema, stdout).file;
  });
}

/** What a plugin is asked, as buf asks it. */
export function requestFor(
  files: readonly FileDescriptorProto[],
  names: readonly string[],
  parameter = "target=ts,import_extension=ts",
): CodeGeneratorRequest {
  const needed = new Set<string>();
  const need = (name: string): void => {
    if (needed.has(name)) return;
    needed.add(name);
    const file = files.find((one) => one.name === name);
    for (const dependency of [...(file?.dependency ?? []), ...(file?.optionDependency ?? [])]) need(dependency);
  };
  names.forEach(need);
  return create(CodeGeneratorRequestSchema, {
    fileToGenerate: [...names],
    protoFile: files.filter(({ name }) => needed.has(name)),
    sourceFileDescriptors: files.filter(({ name }) => names.includes(name)),
    parameter,
  });
}

/** What protoc-gen-nano prints for some of the files, by file name. Throws what it refuses. */
export function print(files: readonly FileDescriptorProto[], ...names: readonly string[]): Readonly<Record<string, string>> {
  return byName(protocGenNano.run(requestFor(files, names)));
}

/** The same of any plugin, which runs as a process. */
export function printBy(command: readonly string[], request: CodeGeneratorRequest): Readonly<Record<string, string>> {
  const [name = "", ...args] = command;
  const { status, stdout, output } = tool(name, args, { input: toBinary(CodeGeneratorRequestSchema, request) });
  if (status !== 0) throw new Error(output);
  return byName(fromBinary(CodeGeneratorResponseSchema, stdout));
}

function byName({ file, error }: CodeGeneratorResponse): Readonly<Record<string, string>> {
  if (error) throw new Error(error);
  return Object.fromEntries(file.map(({ name, content }) => [name, content]));
}
