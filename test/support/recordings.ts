import { spawn } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";

/** A command on a page, and what the page says that it prints. */
export interface Recording {
  readonly command: string;
  readonly shown: string;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

// What is called as it is installed, is run from its source. What else npx would run is not there.
const prelude = [
  `nano-cli() { '${execPath}' --conditions=nano-source '${root}src/cli/main.ts' "$@"; }`,
  `nano-bot() { '${execPath}' --conditions=nano-source '${root}src/bot/main.ts' "$@"; }`,
  'npx() { case "$1" in nano-cli|nano-bot) "$@";; *) return 127;; esac; }',
].join("\n");

/** All that blocks marked `console` show: a command behind `$ `, and what it prints below. */
export function recordingsIn(page: string): readonly Recording[] {
  const blocks = [...page.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((one) => {
        const end = one.indexOf("\n");
        return { command: one.slice(0, end), shown: one.slice(end + 1) };
      }),
  );
}

/** Runs a command as the page has it, in a shell, and gives all that it prints. @param names What stands for what on the page: addresses, mostly. */
export function replay(command: string, cwd: string, names: Readonly<Record<string, string>>): Promise<string> {
  const swap = (text: string, [from, to]: readonly [string, string]): string => text.replaceAll(from, to);
  const own = Object.entries(names).reduce(swap, command);
  return new Promise((resolve) => {
    const env = { ...process.env, HOME: cwd, NO_COLOR: "1" };
    const child = spawn("bash", ["-c", `${prelude}\n${own}`], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.once("close", () =>
      resolve(
        Object.entries(names)
          .map(([from, to]) => [to, from] as const)
          .reduce(swap, out),
      ),
    );
  });
}
