import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "../command.ts";
import type { Image } from "../image/image.ts";
import { runTool } from "../image/run-tool.ts";
import type { Finding } from "./finding.ts";

// Clients speak protobuf and JSON. What a method takes and gives we say ourselves, by its route.
const rules = {
  version: "v2",
  breaking: {
    use: ["WIRE_JSON"],
    except: [
      "RPC_SAME_REQUEST_TYPE",
      "RPC_SAME_RESPONSE_TYPE",
      "RPC_SAME_CLIENT_STREAMING",
      "RPC_SAME_SERVER_STREAMING",
      "RPC_SAME_IDEMPOTENCY_LEVEL",
    ],
  },
} as const;
// What buf ends with where it has found something.
const found = 100;
// The language's own files and nano's options are no messages of the application.
const foreign = /^(nano|google|buf)\//;

/** What buf finds that is encoded otherwise. @throws CommandError Where buf is not there, or cannot compare. */
export async function bufBreaking(before: Image, after: Image): Promise<Finding[]> {
  const folder = await mkdtemp(join(tmpdir(), "nano-breaking-"));
  try {
    const [old, now] = [join(folder, "before.binpb"), join(folder, "after.binpb")];
    await Promise.all([writeFile(old, before.bytes), writeFile(now, after.bytes)]);
    const { status, stdout, stderr } = await runTool("buf", [
      ...["breaking", now, "--against", old],
      ...["--error-format", "json", "--config", JSON.stringify(rules)],
    ]);
    if (status !== 0 && status !== found) throw new CommandError(`buf cannot compare: ${stderr}`);
    return Buffer.from(stdout).toString().split("\n").flatMap(readFinding);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readFinding(line: string): Finding[] {
  if (line === "") return [];
  const { path = "", start_line = 1, start_column = 1, type, message } = JSON.parse(line);
  if (foreign.test(path)) return [];
  return [{ bucket: "refused", rule: type, at: `${path}:${start_line}:${start_column}`, message }];
}
