import { spawn } from "node:child_process";

/** A program at whose standard input one types. */
export interface Program {
  type(line: string): void;
  /** Waits until it has printed a text, behind what was waited for before. */
  says(text: string): Promise<void>;
  /** All that it has printed. */
  readonly printed: string;
  end(): Promise<void>;
}

const timeLimitMs = 20_000;

/** Starts a program. */
export function startProgram(command: string, ...args: string[]): Program {
  const child = spawn(command, args, { stdio: "pipe" });
  let printed = "";
  let heard = 0;
  let look = (): void => {};
  for (const output of [child.stdout, child.stderr])
    output.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      look();
    });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdin.on("error", () => {});
  return {
    type: (line) => void child.stdin.write(`${line}\n`),
    says: (text) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`it never said ${text}, but: ${printed.slice(heard)}`)), timeLimitMs);
        look = () => {
          const at = printed.indexOf(text, heard);
          if (at < 0) return;
          heard = at + text.length;
          clearTimeout(late);
          look = () => {};
          resolve();
        };
        look();
      }),
    get printed() {
      return printed;
    },
    async end() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
