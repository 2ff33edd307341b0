import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { type Clock, systemClock, within } from "../clock/index.ts";
import { type Module, type ModuleKey, moduleKey, type Server } from "../context/index.ts";

/** A process that lives with a server. */
export interface ChildProcessOptions {
  /** Names it in the log, and its key. */
  readonly name: string;
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The whole environment of the process. The default is that of the server. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take to end after SIGTERM, before SIGKILL. The default is 5,000. */
  readonly graceMs?: number;
  /** What becomes of the server where the process ends by itself: "stop" stops it. The default is "log". */
  readonly whenEnded?: "log" | "stop";
  /** The default is the machine's. */
  readonly clock?: Clock;
}

/** The process, for those who look for it by the module's key. */
export interface ChildProcessHandle {
  readonly pid: number;
  /** Its exit code, or the signal that ended it. Never rejects. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const longestLine = 4_096;

/**
 * Starts a process before the server serves, writes its lines into the server's log (stdout as "info", stderr as "warn"), and ends it with the server: SIGTERM,
 * after `graceMs` SIGKILL. A server that dies takes it along. A command that cannot be started ends the start of the server.
 */
export function childProcess(
  options: ChildProcessOptions,
): Module<ChildProcessHandle> & { readonly key: ModuleKey<ChildProcessHandle> } {
  const { name, command, args = [], graceMs = 5_000, clock = systemClock } = options;
  let ending = false;
  let child: ChildProcess | undefined;
  // Nothing waits for a process that ends this way.
  const kill = (): void => void child?.kill("SIGKILL");

  function ended(server: Server, code: number | NodeJS.Signals): void {
    process.off("exit", kill);
    if (ending) return;
    server.log.error({ process: name, code }, "the process has ended by itself");
    if (options.whenEnded === "stop") void server.stop();
  }

  return {
    key: moduleKey(name),
    // Its own time, and a moment for SIGKILL.
    timeoutMs: Math.max(10_000, graceMs + 5_000),
    async init(server) {
      const started = spawn(command, args, {
        stdio: ["ignore", "pipe", "pipe"],
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
        ...(options.env === undefined ? {} : { env: options.env }),
      });
      child = started;
      pipe(started.stdout, (line) => server.log.info({ process: name }, line));
      pipe(started.stderr, (line) => server.log.warn({ process: name }, line));
      const exit = new Promise<number | NodeJS.Signals>((resolve) => {
        started.once("close", (code, signal) => resolve(code ?? signal ?? 1));
      });
      await new Promise((resolve, reject) => {
        started.once("spawn", resolve);
        started.once("error", reject);
      });
      started.on("error", (reason) => server.log.warn({ process: name, err: reason }, "the process does not hear"));
      process.once("exit", kill);
      void exit.then((code) => ended(server, code));
      return { pid: started.pid ?? 0, ended: exit };
    },
    async shutdown(handle) {
      ending = true;
      child?.kill("SIGTERM");
      await within(clock, graceMs, handle.ended, kill);
      await handle.ended;
    },
  };
}

/** Lines as they come. One without an end must not grow in memory: what is longer than any should be is cut. */
function pipe(stream: Readable, line: (text: string) => void): void {
  let held = "";
  let cut = false;
  const said = (text: string): void => {
    if (!cut) line(text.slice(0, longestLine).trimEnd());
    cut = false;
  };
  stream.setEncoding("utf8").on("data", (text: string) => {
    const parts = (held + text).split("\n");
    held = parts.pop() ?? "";
    for (const part of parts) said(part);
    if (held.length <= longestLine) return;
    said(held);
    cut = true;
    held = "";
  });
  stream.once("close", () => {
    if (held !== "") said(held);
  });
}
