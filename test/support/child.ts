import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A process of a test. */
export interface Child {
  readonly process: ChildProcess;
  /** The first line on stdout that fits. Rejects when the process ends or the time is up. */
  line(fits: (line: string) => boolean, timeoutMs?: number): Promise<string>;
  /** Sends a signal, and gives the exit code when the process has ended; null where a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts a process; its stderr is kept for messages. */
export function startChild(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(-4_000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const watcher of watchers) watcher(line);
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(null));
    child.once("exit", (code) => resolve(code));
  });
  return {
    process: child,
    line(fits, timeoutMs = 20_000) {
      const before = lines.find(fits);
      if (before !== undefined) return Promise.resolve(before);
      return new Promise((resolve, reject) => {
        const over = (): void => {
          watchers.delete(watcher);
          clearTimeout(timer);
        };
        const fail = (why: string): void => {
          over();
          reject(new Error(`${command} ${args.join(" ")}: ${why}\n${errors}`));
        };
        const watcher = (line: string): void => {
          if (!fits(line)) return;
          over();
          resolve(line);
        };
        const timer = setTimeout(() => fail(`no such line within ${timeoutMs} ms`), timeoutMs);
        watchers.add(watcher);
        void ended.then((code) => fail(`ended with ${code}`));
      });
    },
    end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
