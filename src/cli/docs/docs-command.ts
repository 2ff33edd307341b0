import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { type Command, CommandError, type Terminal } from "../command.ts";
import { loadBaseline, loadImage } from "../image/load-image.ts";
import { asyncApiOf } from "./asyncapi.ts";
import { compareSizes } from "./compare-sizes.ts";
import { type Documentation, type DocumentationOptions, documentationOf } from "./documentation.ts";
import { markdownOf } from "./markdown.ts";
import { sizesTable } from "./sizes-table.ts";

const help = `Usage: nano-cli docs [INPUT] [OPTIONS]
       nano-cli docs [INPUT] --against REVISION|IMAGE|FOLDER [--json]

Writes the documentation of a schema: routes, policies, errors, messages with their
comments and rules, examples in JSON, and how many bytes messages have.

  INPUT            a folder with .proto files, or an image of buf build (default: .)
  --markdown FILE  writes a page of Markdown there; printed where neither is named
  --asyncapi FILE  writes an AsyncAPI 3 document there, as JSON
  --package NAME   tells of the services of one package (default: of all)
  --clients        leaves out what servers ask each other
  --title TEXT     what it is called (default: its packages)
  --version TEXT   of what it tells (default: as the package says, as v1)

  --against WHAT   compares sizes instead: with a revision of git (then INPUT is a
                   folder in it), an image, or a folder
  --json           prints one list: {"message", "before", "after"} each, either
                   with {"typical", "typicalJson", "worst"}; worst is a number, or
                   {"unbounded": FIELD}`;

/** `nano-cli docs`. */
export const docsCommand: Command = {
  name: "docs",
  help,
  async run(args, { print }) {
    const { input, against, json, markdown, asyncapi, options } = readArgs(args);
    const [image, baseline] = await Promise.all([
      loadImage(input),
      against === undefined ? undefined : loadBaseline(against, input),
    ]);
    const documentation = documentationOf(image, options);
    if (baseline) {
      printChanges(documentationOf(baseline, options), documentation, json, print);
      return 0;
    }
    if (documentation.services.length === 0) throw new CommandError(`${input} has no such services of nano`);
    if (markdown !== undefined) await write(markdown, markdownOf(documentation));
    if (asyncapi !== undefined) await write(asyncapi, `${JSON.stringify(asyncApiOf(documentation), null, 2)}\n`);
    if (markdown === undefined && asyncapi === undefined) print(markdownOf(documentation).trimEnd());
    return 0;
  },
};

function printChanges(before: Documentation, after: Documentation, json: boolean, print: Terminal["print"]): void {
  const changes = compareSizes(before, after);
  if (json) print(JSON.stringify(changes));
  else print(changes.length === 0 ? "no size has changed" : sizesTable(changes));
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (reason) {
    throw new CommandError(`cannot write ${file}: ${reason instanceof Error ? reason.message : reason}`);
  }
}

function readArgs(args: readonly string[]): {
  readonly input: string;
  readonly against: string | undefined;
  readonly json: boolean;
  readonly markdown: string | undefined;
  readonly asyncapi: string | undefined;
  readonly options: DocumentationOptions;
} {
  const options = {
    against: { type: "string" },
    asyncapi: { type: "string" },
    clients: { type: "boolean" },
    json: { type: "boolean" },
    markdown: { type: "string" },
    package: { type: "string" },
    title: { type: "string" },
    version: { type: "string" },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    const { against, asyncapi, clients = false, json = false, markdown, package: only, title, version } = values;
    if (positionals.length > 1) throw new CommandError("more than one INPUT is named");
    if (json && against === undefined) throw new CommandError("--json goes with --against");
    if (against !== undefined && (markdown ?? asyncapi ?? title ?? version) !== undefined)
      throw new CommandError("--against compares sizes: it writes no documentation");
    const told = { title, version, package: only, clientsOnly: clients };
    return { input: positionals[0] ?? ".", against, json, markdown, asyncapi, options: told };
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli docs --help)`);
  }
}
