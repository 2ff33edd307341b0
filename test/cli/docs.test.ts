import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Parser } from "@asyncapi/parser";
import { type DescMessage, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { messageArbitrary } from "nano-rpc/testing/schema";
import { expect, test } from "vitest";
import { CommandError } from "../../src/cli/command.ts";
import { docsCommand } from "../../src/cli/docs/docs-command.ts";
import { worstCase } from "../../src/cli/docs/worst-case.ts";
import { root, tool, withProtos } from "../plugin/compile.ts";
import { file_hops_v1_hops } from "../schema/gen/hops/v1/hops_pb.ts";
import { AskRequestSchema, file_rules_v1_rules } from "../schema/gen/rules/v1/rules_pb.ts";
import { shop } from "./docs-schema.ts";

async function run(...args: readonly string[]): Promise<string> {
  const lines: string[] = [];
  await docsCommand.run(args, { print: (line) => void lines.push(line), interrupted: new AbortController().signal });
  return lines.join("\n");
}

/** A shop's schema in a folder of its own. */
function withShop<T>(use: (folder: string, file: (name: string) => string) => Promise<T>): Promise<T> {
  return withProtos({ "shop.proto": shop }, (folder) => use(join(folder, "proto"), (name) => join(folder, name)));
}

async function diagnosticsOf(document: string): Promise<unknown[]> {
  const { document: parsed, diagnostics } = await new Parser().parse(document);
  expect(parsed?.version()).toBe("3.0.0");
  // That there is a newer version is all that it may say.
  return diagnostics.filter(({ code }) => code !== "asyncapi-latest-version");
}

test("the chat's documentation is what its schema makes of it, and AsyncAPI", { timeout: 120_000 }, async () => {
  await withShop(async (_, file) => {
    const [markdown, asyncapi] = [file("chat.md"), file("chat.json")];
    await run(join(root, "examples/chat/proto"), "--title", "Chat", "--markdown", markdown, "--asyncapi", asyncapi);
    expect(await readFile(join(root, "docs/reference/chat.md"), "utf8")).toBe(await readFile(markdown, "utf8"));
    const document = await readFile(asyncapi, "utf8");
    expect(await readFile(join(root, "examples/chat/asyncapi.json"), "utf8")).toBe(document);
    expect(await diagnosticsOf(document)).toEqual([]);
  });
});

test("a document of all that schemas may hold is AsyncAPI, its examples within their schemas", { timeout: 120_000 }, async () => {
  await withShop(async (folder, file) => {
    const document = file("asyncapi.json");
    for (const input of [folder, join(root, "test/schema/proto")]) {
      await run(input, "--asyncapi", document);
      expect(await diagnosticsOf(await readFile(document, "utf8"))).toEqual([]);
    }
  });
});

test("AsyncAPI has policies, errors, rules, examples and sizes", async () => {
  const { info, channels, operations, components } = await withShop(async (folder, file) => {
    await run(folder, "--asyncapi", file("asyncapi.json"), "--version", "1.4.0");
    return JSON.parse(await readFile(file("asyncapi.json"), "utf8"));
  });
  expect(info).toMatchObject({ title: "shop.v1", version: "1.4.0" });
  const [buy, wave, priced, count] = ["ShopService.Buy", "ShopService.Wave", "ShopService.Priced", "StockService.Count"].map(
    (name) => ({ channel: channels[`shop.v1.${name}`], operation: operations[`shop.v1.${name}`] }),
  );
  expect(buy?.channel.address).toBe("shop.shop.buy");
  expect(buy?.channel.messages.error.payload.anyOf.slice(0, 2)).toMatchObject([
    { title: "not_found", properties: { code: { const: "not_found" } }, "x-nano-retryable": false },
    {
      properties: { code: { const: "aborted" }, details: { items: { allOf: [{ $ref: "#/components/schemas/shop.v1.Broke" }] } } },
      "x-nano-retryable": true,
    },
  ]);
  expect(buy?.operation).toMatchObject({ action: "receive", description: "Buys one | or more." });
  expect(buy?.operation["x-nano"]).toEqual({
    kind: "request",
    server: "shop",
    access: "bound",
    roles: ["buyer"],
    limit: { perSecond: 3, burst: 9 },
    maxBytes: 99,
    order: "concurrent",
    maxConcurrent: 16,
    timeoutMs: 700,
    by: { key: "item" },
    idempotent: "idempotent",
  });
  expect(wave?.operation).toMatchObject({ action: "receive", "x-nano": { kind: "notify" } });
  expect(wave?.operation).not.toHaveProperty("reply");
  expect(priced?.operation).toMatchObject({ action: "send", "x-nano": { delivery: "latest", latestBy: "item" } });
  expect(count?.channel.address).toBe("/shop.v1.StockService/Count");
  expect(components.schemas["shop.v1.BuyRequest"]).toMatchObject({
    description: "What is bought.",
    required: ["at"],
    properties: {
      item: { type: "string", description: "Which.", minLength: 2, maxLength: 8 },
      count: { minimum: 1, maximum: 200 },
      sizes: { maxItems: 3, items: { exclusiveMaximum: 128 } },
      color: { enum: ["COLOR_UNSPECIFIED", "COLOR_GREEN"] },
      at: { format: "date-time" },
    },
  });
  const { examples, "x-nano-bytes": sizes } = components.messages["shop.v1.BuyRequest"];
  expect(examples[0].payload).toMatchObject({ item: "item", color: "COLOR_GREEN", note: "note", at: "2026-01-02T03:04:05Z" });
  expect(sizes.typicalJson).toBe(Buffer.byteLength(JSON.stringify(examples[0].payload)));
  expect(components.messages["shop.v1.BuyResponse"]["x-nano-bytes"].worst).toEqual({ unbounded: "tree.branches[]" });
});

test("the page has comments, policies, errors and sizes; for clients it has no remotes", async () => {
  await withShop(async (folder) => {
    const page = await run(folder);
    for (const part of [
      "Sells hats.",
      "| Buy | request | buyer | 3, 9 at once | 99 | 700 | 16 side by side | the owner of item | checked | not_found, aborted |",
      "| aborted | [shop.v1.Broke](#shopv1broke) | yes |",
      "A notify; takes nothing. **Deprecated.**",
      "| `item` | 1 | string | `string.min_len = 2`, `string.max_len = 8` | Which. |",
      "| `sizes` | 3 | list of uint32 | `repeated.max_items = 3`, `repeated.items: uint32.lt = 128` |  |",
      "| COLOR_GREEN | 1 | As grass. |",
      "worst case unbounded (`tree.branches[]`)",
      "### /shop.v1.StockService/Count",
    ])
      expect(page).toContain(part);
    expect(await run(folder)).toBe(page);
    expect(await run(folder, "--clients")).not.toContain("StockService");
  });
});

test("the page says what a message cannot be sent without, and nothing of what comments say to linters", async () => {
  const page = await run(join(root, "test/schema/proto"));
  expect(page).toContain("| `number` | 1 | int32 | `required` |  |\n| `maybe` | 2 | int32 |  |  |");
  expect(page).not.toContain("buf:lint");
});

test("the worst case is as long as a message can be, and no message within its rules is longer", async () => {
  const page = await withShop((folder) => run(folder));
  // item 2+32, count 3, sizes 2+3, wishes 2*(2+8), color 2, card 3+20, note 2+2+5, at 2+22, size 2+2.
  expect(page).toContain(`worst case ${34 + 3 + 5 + 20 + 2 + 23 + 9 + 24 + 4}.`);
  const bounded = (messages: readonly DescMessage[]): (readonly [DescMessage, number])[] =>
    messages.flatMap((schema) => {
      const worst = worstCase(schema);
      return typeof worst === "number" ? [[schema, worst] as const] : [];
    });
  const schemas = bounded([...file_rules_v1_rules.messages, ...file_hops_v1_hops.messages]);
  expect(schemas.map(([schema]) => schema)).toContain(AskRequestSchema);
  for (const [schema, worst] of schemas) {
    fc.assert(
      fc.property(messageArbitrary(schema), (message) => toBinary(schema, message).length <= worst),
      { numRuns: 50, seed: 7 },
    );
  }
});

test("sizes are compared with those of a revision of git, an image or a folder", async () => {
  await withShop(async (folder, file) => {
    const must = (name: string, ...args: readonly string[]): void => {
      const { status, output } = tool(name, args);
      if (status !== 0) throw new Error(output);
    };
    const author = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"];
    must("git", "init", "--quiet", file("."));
    must("git", "-C", file("."), "add", "proto");
    must("git", ...author, "-C", file("."), "commit", "--quiet", "-m", "before");
    must("buf", "build", folder, "-o", file("before.binpb"));
    expect(await run(folder, "--against", "HEAD")).toBe("no size has changed");
    const changed = shop
      .replace("{gt: -65, lt: 64}", "{gt: -65, lt: 65}")
      .replace("int64 missing = 1;", "int64 missing = 1; bool all = 2;");
    await withProtos({ "shop.proto": changed }, async (later) => {
      const after = join(later, "proto");
      const json = JSON.parse(await run(after, "--against", file("before.binpb"), "--json"));
      expect(json.map(({ message }: { readonly message: string }) => message)).toEqual([
        "shop.v1.Broke",
        "shop.v1.BuyRequest",
        "shop.v1.Size",
      ]);
      expect(json[2]).toMatchObject({ before: { typical: 2, worst: 2 }, after: { typical: 2, worst: 3 } });
      expect(await run(after, "--against", folder)).toContain("| shop.v1.Broke | 2 → 4 | ");
      await expect(run(after, "--against", "no-such")).rejects.toThrow(CommandError);
    });
  });
});

test("what makes no sense is refused in words", async () => {
  const refusals: readonly (readonly [readonly string[], string])[] = [
    [["a", "b"], "more than one INPUT"],
    [["--json"], "--json goes with --against"],
    [["--against", "HEAD", "--markdown", "x.md"], "writes no documentation"],
    [["--nonsense"], "--nonsense"],
    [["no-such-folder"], "no-such-folder is no file and no folder"],
    [[join(root, "examples/chat/proto"), "--package", "other.v1"], "has no such services"],
    [[join(root, "examples/chat/proto"), "--markdown", join(root, "no-such-folder/x.md")], "cannot write"],
  ];
  for (const [args, words] of refusals) {
    const refused = run(...args);
    await expect(refused).rejects.toThrow(CommandError);
    await expect(refused).rejects.toThrow(words);
  }
});
