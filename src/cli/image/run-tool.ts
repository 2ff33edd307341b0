import { spawn } from "node:child_process";
import { CommandError } from "../command.ts";

/** What a tool has said. */
export interface ToolOutcome {
  readonly status: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

const timeoutMs = 120_000;
const remedies: Readonly<Record<string, string>> = {
  buf: "install it (npm i -D @bufbuild/buf), or give images",
  tar: "install it, or give a folder or an image",
  git: "install it, or give a folder or an image",
};

/** Runs a tool to its end. @throws CommandError Where it is not there, or takes over two minutes. */
export function runTool(name: string, args: readonly string[], input?: Uint8Array): Promise<ToolOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(name, args, { timeout: timeoutMs, stdio: ["pipe", "pipe", "pipe"] });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on("data", (bytes: Buffer) => stdout.push(bytes));
    child.stderr.on("data", (bytes: Buffer) => stderr.push(bytes));
    child.once("error", (reason) => {
      const gone = "code" in reason && reason.code === "ENOENT";
      reject(new CommandError(gone ? `${name} is not there: ${remedies[name] ?? "install it"}` : `${name}: ${reason.message}`));
    });
    child.once("close", (status) => {
      if (status === null) return reject(new CommandError(`${name} ${args[0] ?? ""} was ended, or took over ${timeoutMs} ms`));
      resolve({ status, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString().trim() });
    });
    // A tool that ends early has said why.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}
