import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root, tool } from "./compile.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nano-consumers-"));
  await mkdir(join(folder, "node_modules"));
  await symlink(join(root, "node_modules/@bufbuild"), join(folder, "node_modules/@bufbuild"));
  await symlink(root, join(folder, "node_modules/nano-rpc"));
  await cp(join(root, "proto/nano/options.proto"), join(folder, "proto/nano/options.proto"), { recursive: true });
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(strict));
  await writeFile(join(folder, "tsconfig.gen.json"), JSON.stringify(isolated));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "buf.yaml"), JSON.stringify({ version: "v2", modules: [{ path: "proto" }] }));
  await writeFile(join(folder, "buf.gen.yaml"), JSON.stringify(template));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

// Only edition 2024 imports options alone: generated messages of the others import the options file too.
test("proto3 and each edition are generated and type-checked, strictly, with code that uses them", async () => {
  const syntaxes = { proto3: 'syntax = "proto3";', edition2023: 'edition = "2023";', edition2024: 'edition = "2024";' };
  for (const [name, syntax] of Object.entries(syntaxes)) {
    await mkdir(join(folder, "proto", name, "v1"), { recursive: true });
    await writeFile(join(folder, "proto", name, "v1", "poll.proto"), schema(name, syntax));
    await writeFile(join(folder, `${name}.ts`), user(name));
  }
  expect(tool("buf", ["generate"], { cwd: folder })).toMatchObject({ status: 0, output: "" });
  for (const name of Object.keys(syntaxes)) {
    const printed = await readdir(join(folder, "gen", name, "v1"));
    expect(printed).toEqual(["poll_client.ts", "poll_codec.ts", "poll_nano.ts", "poll_pb.ts"]);
    // What is policy is no client's affair, nor is the server's door.
    const client = await readFile(join(folder, "gen", name, "v1", "poll_client.ts"), "utf8");
    expect(client).not.toMatch(/access:|by:|from "nano-rpc\/codegen"/);
  }
  expect(tool("tsc", ["-p", "."], { cwd: folder })).toMatchObject({ status: 0, output: "" });
  // Whoever publishes generated code has its declarations without a type checker.
  expect(tool("tsc", ["-p", "tsconfig.gen.json"], { cwd: folder })).toMatchObject({ status: 0, output: "" });
}, 60_000);

const template = {
  version: "v2",
  clean: true,
  inputs: [{ directory: "proto" }],
  plugins: [
    { local: "protoc-gen-es", strategy: "all", out: "gen", opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"] },
    {
      local: ["node", join(root, "plugin/protoc-gen-nano.ts")],
      strategy: "all",
      out: "gen",
      opt: ["target=ts", "import_extension=ts"],
    },
  ],
};

const strict = {
  compilerOptions: {
    target: "es2024",
    lib: ["es2024", "esnext.disposable"],
    module: "nodenext",
    customConditions: ["nano-source"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    noPropertyAccessFromIndexSignature: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    isolatedModules: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  },
};

const isolated = {
  extends: "./tsconfig.json",
  compilerOptions: {
    isolatedDeclarations: true,
    declaration: true,
    noEmit: false,
    emitDeclarationOnly: true,
    rootDir: ".",
    outDir: "declarations",
  },
  include: ["gen"],
};

/** A schema with what differs between the syntaxes: presence, enums, oneofs, maps. */
function schema(name: string, syntax: string): string {
  const optional = name === "proto3" ? "optional " : "";
  return `${syntax}
package ${name}.v1;
import "google/protobuf/empty.proto";
import ${name === "edition2024" ? "option " : ""}"nano/options.proto";
option (nano.session) = "PollSession";
service PollService {
  option (nano.handler).server = "${name}";
  // Votes.
  rpc Vote(VoteRequest) returns (VoteResponse) {
    option (nano.method) = {
      access: ACCESS_PUBLIC
      key: "choice"
      errors: {code: "already_exists" detail: "Voted"}
    };
  }
  // Shouts.
  rpc Shout(stream ShoutRequest) returns (google.protobuf.Empty);
  // The count has changed.
  rpc Counted(google.protobuf.Empty) returns (stream CountedResponse) {
    option (nano.method) = {delivery: DELIVERY_LATEST latest_by: "choice"};
  }
}
service PollAdminService {
  option (nano.remote).server = "${name}";
  // Starts anew.
  rpc Reset(ResetRequest) returns (ResetResponse);
}
enum Choice {
  CHOICE_UNSPECIFIED = 0;
  CHOICE_YES = 1;
}
message PollSession { ${optional}string nickname = 1; map<string, int64> votes = 2; }
message Voted { Choice choice = 1; }
message VoteRequest {
  Choice choice = 1;
  oneof why { string reason = 2; bytes proof = 3; }
}
message VoteResponse { map<string, uint32> counts = 1; repeated Voted voted = 2; }
message ShoutRequest { ${optional}string text = 1; }
message CountedResponse { Choice choice = 1; ${optional}uint32 count = 2; }
message ResetRequest {}
message ResetResponse { VoteResponse before = 1; }
`;
}

function user(name: string): string {
  return `
import { implement, NanoError, type Cluster } from "nano-rpc";
import { createClient, webSocket } from "nano-rpc/client";
import { PollClient } from "./gen/${name}/v1/poll_client.ts";
import { PollAdminRemote, PollHandler, PollPush } from "./gen/${name}/v1/poll_nano.ts";
import { Choice } from "./gen/${name}/v1/poll_pb.ts";

export const poll = implement(PollHandler, {
  vote: async ({ choice, why }, { session }) => {
    if (why.case === "reason") throw new NanoError({ code: "already_exists", message: why.value });
    await session.patch({ nickname: undefined, votes: { [choice]: 1n } });
    session.push(PollPush.counted, { choice: Choice.YES, count: 1 });
    return { counts: { yes: 1 }, voted: [{ choice: Choice.YES }] };
  },
  shout: ({ text }, { session }) => console.log(session.user.length, session.data.nickname, text),
});
export const admin = implement(PollAdminRemote, { reset: () => ({ before: { counts: {} } }) });
export const reset = async (cluster: Cluster): Promise<number | undefined> =>
  (await cluster.remote(PollAdminRemote).reset({})).before?.counts["yes"];

const client = createClient({ transport: webSocket("ws://127.0.0.1:1") }).service(PollClient);
const vote = await client.vote({ choice: Choice.YES, why: { case: "reason", value: "so" } }).result();
if (!vote.ok && vote.error.declared) console.log(vote.error.detail.choice);
client.onCounted(({ count }) => console.log(count));
client.shout({ text: "hi" });
`;
}
