import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { JsonValue } from "@bufbuild/protobuf";
import { accessOf, clusterHelp, clusterOptions } from "../cluster/cluster-flags.ts";
import { type Command, CommandError, type Terminal } from "../command.ts";
import { Desk } from "./desk.ts";
import { ownHandshake, readHandshake, sysNames, type ToldHandshake, withField } from "./handshake.ts";
import { typeAt } from "./interactive.ts";
import { createPrinter } from "./printer.ts";
import type { RouteBook } from "./route-book.ts";
import { helpLines, runLine } from "./run-line.ts";

const help = `Usage: nano-cli [talk] [ADDRESS] [OPTIONS]

Talks to a server as a client does: asks, tells, and shows what is pushed. ADDRESS is a URL
(tcp://HOST:PORT, tls://, ws://, wss://) or HOST:PORT, where all four are tried. Servers that tell
their schema (reflection) are spoken to in protobuf, with completion, and so are those whose schema
--schema gives; all others, those of Pitaya and pomelo among them, in plain JSON.

  --script FILE       runs the lines of a file ("-": of stdin) and ends: with 0, or 1 at the first that fails
  --json              prints an object a line, for machines
  --schema PATH       the schema, where the server does not tell it: a folder of .proto (buf compiles
                      it), or an image of buf build
  --encoding NAME     json or protobuf (default: protobuf where the schema is known)
  --user JSON         what the handshake tells as its user: credentials, a token
  --handshake FILE    all that it tells, as {"sys": {"clientVersion": "2.1"}, "user": {"token": "t"}};
                      of sys it takes ${sysNames.slice(0, 4).join(", ")},
                      ${sysNames.slice(4).join(", ")}
  --timeout MS        how long an answer may take (default: 5000)
  --ca FILE           takes certificates of these authorities (PEM) for tls:// and wss://
  --insecure          takes any certificate for tls:// and wss://

For the lines servers, kick and push:
${clusterHelp}

Lines:
${helpLines()
  .map((line) => line.replace(/^/gm, "  "))
  .join("\n")}`;

/** `nano-cli talk`, which is what nano-cli does where it is given no command. */
export const talkCommand: Command = {
  name: "talk",
  help,
  async run(args, terminal) {
    const { address, flags } = parse(args);
    const interactive = flags.script === undefined && process.stdin.isTTY === true && process.stdout.isTTY === true;
    let write = (line: string): void => terminal.print(line);
    const colours = interactive && process.stdout.hasColors();
    const printer = createPrinter({ write: (line) => write(line), json: flags.json, colours });
    const desk = new Desk(
      {
        ...{ insecure: flags.insecure, ca: flags.ca, told: toldOf(flags) },
        book: await bookOf(flags.schema),
        cluster: flags.etcd === undefined ? undefined : accessOf(flags, "talk"),
        timeoutMs: timeoutOf(flags.timeout),
      },
      printer,
    );
    terminal.interrupted.addEventListener("abort", () => desk.interrupt(), { once: true });
    try {
      if (address !== undefined) {
        const end = await runLine(desk, `connect ${address}`);
        if (typeof end === "object") throw new CommandError(end.error);
      }
      if (!interactive) return await runLines(desk, linesOf(flags.script ?? "-", terminal.interrupted), terminal);
      desk.timing = true;
      if (address === undefined) printer.note('"connect ADDRESS" begins, "help" lists what there is');
      const attach = (to: (line: string) => void): void => {
        write = to;
      };
      const historyFile = join(homedir(), ".nano_cli_history");
      await typeAt(desk, { input: process.stdin, output: process.stdout, historyFile, attach }, terminal.interrupted);
      return 0;
    } finally {
      // Whoever still writes there does not keep a script that is over.
      if (!interactive && (flags.script ?? "-") === "-") process.stdin.destroy();
      await desk.close();
    }
  },
};

async function runLines(desk: Desk, lines: AsyncIterable<string> | Iterable<string>, { interrupted }: Terminal): Promise<number> {
  let number = 0;
  // A request that failed ends a script, unless the next line expects it.
  let failed: string | undefined;
  for await (const line of lines) {
    number++;
    if (interrupted.aborted) return 1;
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const expected = /^\s*expect\s+error\b/.test(line);
    if (failed !== undefined && !expected) throw new CommandError(failed);
    const end = await runLine(desk, line);
    if (interrupted.aborted) return 1;
    if (end === "exit") return 0;
    if (typeof end === "object") throw new CommandError(`line ${number}: ${end.error}`);
    const error = expected ? undefined : desk.values.get("error");
    if (expected) desk.values.delete("error");
    failed = error === undefined ? undefined : `line ${number}: it failed: ${JSON.stringify(error)}`;
  }
  if (interrupted.aborted) return 1;
  if (failed !== undefined) throw new CommandError(failed);
  return 0;
}

function linesOf(script: string, signal: AbortSignal): AsyncIterable<string> | Iterable<string> {
  if (script === "-") return createInterface({ input: process.stdin, signal });
  try {
    return readFileSync(script, "utf8").split(/\r?\n/);
  } catch (reason) {
    throw new CommandError(`the script cannot be read: ${reason instanceof Error ? reason.message : reason}`);
  }
}

const options = {
  script: { type: "string" },
  json: { type: "boolean", default: false },
  encoding: { type: "string" },
  user: { type: "string" },
  handshake: { type: "string" },
  timeout: { type: "string", default: "5000" },
  ca: { type: "string" },
  insecure: { type: "boolean", default: false },
  schema: { type: "string" },
  ...clusterOptions,
} as const;

function parse(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length > 1) throw new TypeError(`one address, not ${positionals.join(" and ")}`);
    return { address: positionals[0], flags: values };
  } catch (reason) {
    throw new CommandError(`${reason instanceof Error ? reason.message : reason} (see nano-cli talk --help)`);
  }
}

/** What a flag says goes before what the file does. */
function toldOf({ handshake, user, encoding }: ReturnType<typeof parse>["flags"]): ToldHandshake {
  let told = handshake === undefined ? ownHandshake : readHandshake(handshake);
  if (user !== undefined) told = withField(told, "user", userOf(user));
  if (encoding === undefined) return told;
  if (encoding !== "json" && encoding !== "protobuf") throw new CommandError(`--encoding is json or protobuf, not "${encoding}"`);
  return withField(told, "serializer", encoding);
}

async function bookOf(schema: string | undefined): Promise<RouteBook | undefined> {
  if (schema === undefined) return undefined;
  // What compiles and reads schemas is for those who give one.
  const { readBook } = await import("./schema-book.ts");
  const book = await readBook(schema);
  if (book.routes.length === 0) throw new CommandError(`${schema} has no service with (nano.handler): it has no routes`);
  return book;
}

function userOf(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new CommandError(`--user is JSON, as '{"token": "..."}', not "${text}"`);
  }
}

function timeoutOf(text: string): number {
  const ms = /^\d{1,7}$/.test(text) ? Number(text) : 0;
  if (ms === 0) throw new CommandError(`--timeout is milliseconds, not "${text}"`);
  return ms;
}
