import { type ChildProcess, spawn } from "node:child_process";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import type { LoadResult } from "./load.ts";

/** A server of a benchmark. */
export interface Process {
  /** The ports that its `ready` line names. */
  readonly ready: Readonly<Record<string, number | null>>;
  end(): Promise<void>;
}

const answerTimeoutMs = 80_000;

/** Starts a script of the repository, and waits for its `ready` line. */
export async function startProcess(script: string, args: readonly string[] = []): Promise<Process> {
  const child = spawn(execPath, ["--conditions=nano-source", script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const line = await firstLine(child, (text) => text.startsWith("ready "));
  return {
    ready: JSON.parse(line.slice("ready ".length)) as Process["ready"],
    async end() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Runs the load, once. */
export async function runLoad(load: {
  readonly port: number;
  readonly over: "tcp" | "ws";
  readonly inflight: number;
  readonly seconds: number;
  readonly connections: number;
  readonly raw: boolean;
}): Promise<LoadResult> {
  const { raw, ...rest } = load;
  const flags = Object.entries(rest).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const child = spawn(execPath, ["--conditions=nano-source", "bench/src/load.ts", ...flags, ...(raw ? ["--raw"] : [])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await firstLine(child, (text) => text.startsWith("{"))) as LoadResult;
}

function firstLine(child: ChildProcess, fits: (text: string) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`${child.spawnargs.join(" ")} says nothing`));
    }, answerTimeoutMs);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`${child.spawnargs.join(" ")} ended with ${code}`));
    });
    if (!child.stdout) return reject(new Error("no output"));
    createInterface({ input: child.stdout }).on("line", (text) => {
      if (!fits(text)) return;
      clearTimeout(timer);
      resolve(text);
    });
  });
}
