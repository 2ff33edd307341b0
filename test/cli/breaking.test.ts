import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { breakingCommand } from "../../src/cli/breaking/breaking-command.ts";
import type { Finding } from "../../src/cli/breaking/finding.ts";
import { CommandError } from "../../src/cli/command.ts";
import { root, tool } from "../plugin/compile.ts";
import { after, before, changes, validateProto } from "./breaking-schemas.ts";

let repository: string;
const folder = (): string => join(repository, "proto");
const image = (name: string): string => join(repository, `${name}.binpb`);

beforeAll(async () => {
  repository = await mkdtemp(join(tmpdir(), "nano-breaking-"));
  await cp(join(root, "proto/nano/options.proto"), join(folder(), "nano/options.proto"), { recursive: true });
  await mkdir(join(folder(), "buf/validate"), { recursive: true });
  await writeFile(join(folder(), "buf/validate/validate.proto"), validateProto);
  await revision("before", before);
  await revision("after", after);
}, 60_000);

afterAll(() => rm(repository, { recursive: true, force: true }));

/** A revision that is tagged, and its image. */
async function revision(name: string, proto: string): Promise<void> {
  await writeFile(join(folder(), "shop.proto"), proto);
  must("buf", "build", folder(), "-o", image(name));
  if (name === "before") must("git", "init", "--quiet", repository);
  must("git", "-C", repository, "add", "proto");
  const author = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
  must("git", ...author, "-C", repository, "commit", "--quiet", "-m", name);
  must("git", "-C", repository, "tag", name);
}

function must(name: string, ...args: readonly string[]): void {
  const { status, output } = tool(name, args);
  if (status !== 0) throw new Error(output);
}

async function run(...args: readonly string[]): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const code = await breakingCommand.run(args, {
    print: (line) => void lines.push(line),
    interrupted: new AbortController().signal,
  });
  return { code, lines };
}

type Buckets = Readonly<Record<"refused" | "mayBreak" | "safe", readonly Omit<Finding, "bucket">[]>>;

async function findings(...args: readonly string[]): Promise<Buckets> {
  const { lines } = await run(...args, "--json");
  return JSON.parse(lines.join("\n"));
}

test("every change of an option is found, in its bucket, where it stands", async () => {
  const found = await findings(image("after"), "--against", image("before"), "--no-wire");
  for (const bucket of ["refused", "mayBreak", "safe"] as const) {
    const expected = changes[bucket].map((change) => change.split(" ") as [string, string]);
    expect(found[bucket].map(({ rule }) => rule)).toEqual(expected.map(([rule]) => rule));
    for (const [at, { at: place, message }] of found[bucket].entries()) {
      const [rule = "", what = ""] = expected[at] ?? [];
      expect(message).toContain(what);
      const [file, line = "", column] = place.split(":");
      expect([file, Number(column)]).toEqual(["shop.proto", expect.any(Number)]);
      const text = (rule.endsWith("_GONE") ? before : after).split("\n")[Number(line) - 1]?.toLowerCase() ?? "";
      // A method's line names it; a field's line names its message.
      const short = (what.split(/[./]/).at(-1) ?? "").toLowerCase();
      expect([rule, text]).toEqual([rule, expect.stringContaining(rule.startsWith("RULES") ? "message ruled" : short)]);
    }
  }
});

test("a revision of git, a folder and an image of the same schema are one", async () => {
  const expected = await findings(image("after"), "--against", image("before"));
  expect(await findings(folder(), "--against", "before")).toEqual(expected);
  expect(await findings(folder(), "--against", "HEAD~1")).toEqual(expected);
  const nothing = await run(image("after"), "--against", folder());
  expect(nothing).toEqual({ code: 0, lines: ["0 refused, 0 may break, 0 safe"] });
}, 60_000);

test("the exit code tells what is refused, and with --strict what may break", async () => {
  const [one, other] = ["one", "other"];
  const service = (options: string, field = "int32 count = 1;"): string => `edition = "2024"; package few.v1;
import option "nano/options.proto";
service FewService { option (nano.handler).server = "few"; rpc Ask(Few) returns (Few) { option (nano.method) = {${options}}; } }
message Few { ${field} }
`;
  const compare = async (old: string, now: string, ...args: readonly string[]): Promise<number> => {
    for (const [name, text] of [
      [one, old],
      [other, now],
    ] as const) {
      await mkdir(join(repository, name, "nano"), { recursive: true });
      await cp(join(folder(), "nano/options.proto"), join(repository, name, "nano/options.proto"));
      await writeFile(join(repository, name, "few.proto"), text);
    }
    return (await run(join(repository, other), "--against", join(repository, one), ...args)).code;
  };
  expect(await compare(service(""), service("access: ACCESS_PUBLIC"), "--strict", "--no-wire")).toBe(0);
  expect(await compare(service("access: ACCESS_PUBLIC"), service(""), "--no-wire")).toBe(0);
  expect(await compare(service("access: ACCESS_PUBLIC"), service(""), "--strict", "--no-wire")).toBe(100);
  expect(await compare(service(""), service('route: "other"'), "--no-wire")).toBe(100);
  // What is encoded otherwise, buf sees.
  const wire = [service(""), service("", "string count = 1;")] as const;
  expect(await compare(...wire)).toBe(100);
  expect(await compare(...wire, "--no-wire")).toBe(0);
}, 60_000);

test("what buf finds stands with the rest, for people too", async () => {
  const { code, lines } = await run(image("before"), "--against", image("after"));
  expect(code).toBe(100);
  expect(lines).toContain("Refused: breaks clients that were shipped:");
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^ {2}shop\.proto:\d+:\d+: .*"3".*"fresh".*\(FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED\)$/),
    ]),
  );
  expect(lines.at(-1)).toMatch(/^\d+ refused, \d+ may break, \d+ safe$/);
});

test.each([
  [[], "--against REVISION|IMAGE|FOLDER is missing"],
  [["a", "b", "--against", "c"], "more than one INPUT"],
  [["nowhere", "--against", "x"], "nowhere is no file and no folder"],
  [["--aganst", "x"], "--help"],
  [["package.json", "--against", "package.json"], "package.json is no image"],
  [["proto", "--against", "no-such-revision"], "no-such-revision is no file, no folder and no revision of git"],
  [["test/frontend", "--against", "HEAD"], "buf cannot build test/frontend"],
])("%j is answered with %j", async (args, words) => {
  const refused = await run(...args).catch((reason: unknown) => reason);
  expect(refused).toBeInstanceOf(CommandError);
  expect((refused as Error).message).toContain(words);
});
