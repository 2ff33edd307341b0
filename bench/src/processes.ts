import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { execPath } from "node:process";
import { createInterface, type Interface } from "node:readline";
import type { Usage } from "./usage.ts";

/** A server of a benchmark. */
export interface Process {
  /** The ports that its `ready` line names. */
  readonly ready: Readonly<Record<string, number | null>>;
  usage(): Promise<Usage>;
  end(): Promise<void>;
}

/** Which core a process has for itself, where the machine can say so (Linux, two cores or more); "any": it takes what there is. */
export type Core = "server" | "load" | "any";

const answerTimeoutMs = 120_000;
const nodeFlags = ["--conditions=nano-source", "--expose-gc"];
// Room for garbage: speed is not to hang on when it is collected.
const roomy = "--max-semi-space-size=32";

/** Starts a script of the repository, and waits for its `ready` line. @param flags Of Node; the default gives garbage room. */
export async function startProcess(
  script: string,
  args: readonly string[] = [],
  core: Core = "server",
  flags: readonly string[] = [roomy],
): Promise<Process> {
  const child = start(script, args, core, flags);
  const lines = linesOf(child);
  const line = await nextLine(child, lines, "ready ");
  return {
    ready: JSON.parse(line) as Process["ready"],
    async usage() {
      const answer = nextLine(child, lines, "usage ");
      child.stdin?.write("usage\n");
      return JSON.parse(await answer) as Usage;
    },
    async end() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** How a load is run. */
export interface LoadRun {
  /** Called when it begins to measure, where it says so. */
  readonly warm?: () => Promise<void>;
  /** What happens while it measures; it is told when that is over. */
  readonly meanwhile?: () => Promise<void>;
  /** How long it may take. The default is 120,000. */
  readonly timeoutMs?: number;
  /** Its flags of Node. The default gives garbage room. */
  readonly node?: readonly string[];
}

/** Runs a load, once; gives what its last line says. */
export async function runLoad<R>(
  script: string,
  flags: Readonly<Record<string, string | number | boolean>>,
  { warm, meanwhile, timeoutMs = answerTimeoutMs, node }: LoadRun = {},
): Promise<R> {
  const args = Object.entries(flags).flatMap(([name, value]) => {
    if (typeof value === "boolean") return value ? [`--${name}`] : [];
    return [`--${name}`, String(value)];
  });
  const child = start(script, args, "load", node);
  const lines = linesOf(child);
  const result = nextLine(child, lines, "result ", timeoutMs);
  if (warm) {
    await nextLine(child, lines, "warm ");
    await warm();
    child.stdin?.write("go\n");
  }
  if (meanwhile) {
    await meanwhile();
    child.stdin?.write("end\n");
  }
  return JSON.parse(await result) as R;
}

function start(script: string, args: readonly string[], core: Core, flags: readonly string[] = [roomy]): ChildProcess {
  const pinned = core !== "any" && availableParallelism() >= 2 && existsSync("/usr/bin/taskset");
  const [command, ...before] = pinned ? ["/usr/bin/taskset", "-c", core === "server" ? "0" : "1", execPath] : [execPath];
  return spawn(command ?? execPath, [...before, ...nodeFlags, ...flags, script, ...args], { stdio: ["pipe", "pipe", "inherit"] });
}

function linesOf(child: ChildProcess): Interface {
  if (!child.stdout) throw new Error("no output");
  return createInterface({ input: child.stdout });
}

function nextLine(child: ChildProcess, lines: Interface, prefix: string, timeoutMs = answerTimeoutMs): Promise<string> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      lines.off("line", heard);
      child.off("exit", ended);
    };
    const heard = (text: string): void => {
      if (!text.startsWith(prefix)) return;
      over();
      resolve(text.slice(prefix.length));
    };
    const ended = (code: number | null): void => {
      over();
      reject(new Error(`${child.spawnargs.join(" ")} ended with ${code}`));
    };
    const timer = setTimeout(() => {
      over();
      child.kill("SIGKILL");
      reject(new Error(`${child.spawnargs.join(" ")} says nothing`));
    }, timeoutMs);
    lines.on("line", heard);
    child.once("exit", ended);
  });
}
