import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { clone, create } from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, SourceCodeInfoSchema } from "@bufbuild/protobuf/wkt";
import { beforeAll, describe, expect, test } from "vitest";
import { protocGenNano } from "../../plugin/plugin.ts";
import { type BadSchema, badSchemas, protosOf } from "./bad-schemas.ts";
import { compile, print, requestFor, root, tool, withProtos } from "./compile.ts";

const protos = Object.assign({}, ...badSchemas.map(protosOf));
let files: readonly FileDescriptorProto[];

/** Whole lines: `file:line:column: what is wrong`. */
const linesOf = ({ name, problems }: BadSchema): string[] =>
  problems.map((problem) => (problem.startsWith("_more") ? `${name}${problem}` : `${name}.proto:${problem}`));

beforeAll(async () => {
  files = await compile(protos);
});

describe("a bad schema is refused, with where, what, and how to write it:", () => {
  test.each(badSchemas)("$name", (bad) => {
    expect(() => print(files, ...Object.keys(protosOf(bad)))).toThrow(new Error(linesOf(bad).join("\n")));
  });
});

test("a compiler that tells less of where things stand is answered with what is known", () => {
  const strip = (fits: (path: readonly number[]) => boolean): FileDescriptorProto[] =>
    files.map((file) => {
      const location = (file.sourceCodeInfo?.location ?? []).filter(({ path }) => fits(path));
      const stripped = clone(FileDescriptorProtoSchema, file);
      stripped.sourceCodeInfo = create(SourceCodeInfoSchema, { location });
      return stripped;
    });
  const what = "timeout_ms is at least 1: leave it out for the default of 5000";
  const told = (fits: (path: readonly number[]) => boolean) => () => print(strip(fits), "timeout_zero.proto");
  // Services are 6, their methods 2, their options 4: what stands there, and no field in it; the method; nothing at all.
  expect(told((path) => path.length <= 5)).toThrow(new Error(`timeout_zero.proto:5:5: ${what}`));
  expect(told((path) => path.length <= 4)).toThrow(new Error(`timeout_zero.proto:4:3: ${what}`));
  expect(told(() => false)).toThrow(new Error(`timeout_zero.proto:1:1: ${what}`));
});

test("any target but TypeScript is refused", () => {
  for (const target of ["js", "dts", "js+dts"]) {
    const request = requestFor(files, ["listener.proto"], `target=${target}`);
    expect(() => protocGenNano.run(request)).toThrow('prints TypeScript only: write "opt: [target=ts]" in buf.gen.yaml');
  }
});

test("buf generate fails with all of it on stderr, and no refusal of the plugin is without a case here", async () => {
  await withProtos(protos, async (folder) => {
    const template = {
      version: "v2",
      inputs: [{ directory: "proto", exclude_paths: ["proto/nano"] }],
      plugins: [{ local: ["node", join(root, "plugin/protoc-gen-nano.ts")], strategy: "all", out: "gen", opt: ["target=ts"] }],
    };
    await writeFile(join(folder, "buf.gen.yaml"), JSON.stringify(template));
    const coverage = join(folder, "coverage");
    const { status, output } = tool("buf", ["generate"], { cwd: folder, env: { NODE_V8_COVERAGE: coverage } });
    expect(status).toBe(1);
    const told = output.replace(/^protoc-gen-nano: /m, "").split("\n");
    for (const bad of badSchemas) for (const line of linesOf(bad)) expect(told).toContain(line);
    expect(await readdir(folder)).not.toContain("gen");
    expect(await untold(coverage)).toEqual([]);
  });
});

/** The calls of `report` in the plugin that a run did not reach. */
async function untold(coverage: string): Promise<string[]> {
  const missed: string[] = [];
  let sites = 0;
  // buf comes by a node script too, which leaves a file of its own.
  const scripts: Script[] = [];
  for (const name of await readdir(coverage)) scripts.push(...JSON.parse(await readFile(join(coverage, name), "utf8")).result);
  for (const file of (await readdir(join(root, "plugin"))).filter((one) => one.startsWith("check"))) {
    const path = join(root, "plugin", file);
    const source = await readFile(path, "utf8");
    const script = scripts.find(({ url }) => url === pathToFileURL(path).href);
    // Types are stripped by blanks, so that places in the source are places in what ran.
    for (const { index } of source.matchAll(/(?<=\W)report\(/g)) {
      sites++;
      if (!script || countAt(script, index) === 0) missed.push(`${file}:${source.slice(0, index).split("\n").length}`);
    }
  }
  expect(sites).toBeGreaterThan(30);
  return missed;
}

/** How often what stands at a place of a script ran: the innermost range says. */
function countAt({ functions }: Script, at: number): number {
  const around = functions
    .flatMap(({ ranges }) => ranges)
    .filter(({ startOffset, endOffset }) => startOffset <= at && at < endOffset);
  const [inner] = around.sort((one, other) => one.endOffset - one.startOffset - (other.endOffset - other.startOffset));
  return inner?.count ?? 0;
}

interface Script {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
  }[];
}

test("an option that there is not, or a value that it has not, is refused", () => {
  const run = (option: string) => () => protocGenNano.run(requestFor(files, ["listener.proto"], `target=ts,${option}`));
  expect(run("codec=printed")).toThrow('"codec" is no option: "codecs" and "clients" are');
  expect(run("codecs=fast")).toThrow('codecs is printed or reflected, not "fast"');
  expect(run("clients=fast")).toThrow('clients is printed or reflected, not "fast"');
  expect(run("codecs=reflected,clients=printed")).toThrow("clients=printed leans on the codecs that codecs=reflected leaves out");
});
