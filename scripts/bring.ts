import { spawnSync } from "node:child_process";

/** A program that tests run, and Debian's package of it. */
export interface Need {
  readonly command: string;
  readonly debian: string;
  /** A shell command that works where all of it is there. The default: that the command is found. */
  readonly probe?: string;
}

const aptTimeoutMs = 240_000;

/** Installs what is missing where it can (Debian, as root), and says otherwise what to install. @param consequence What becomes of the tests without it. */
export function bring(needs: readonly Need[], consequence: string): void {
  const missing = needs.filter((need) => !isThere(need));
  if (missing.length === 0) return;
  const packages = missing.map(({ debian }) => debian);
  if (process.getuid?.() === 0 && has("apt-get")) {
    console.log(`installing ${packages.join(", ")} for the tests`);
    const install = (): number | null => apt(["install", "-y", "--no-install-recommends", ...packages]);
    if (install() !== 0) {
      apt(["update"]);
      install();
    }
  }
  for (const need of missing) {
    if (!isThere(need))
      console.log(`the tests that need ${need.command} ${consequence}: install it (Debian: apt-get install ${need.debian})`);
  }
}

function apt(args: readonly string[]): number | null {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  return spawnSync("apt-get", ["-qq", ...args], { stdio: ["ignore", "ignore", "inherit"], env, timeout: aptTimeoutMs }).status;
}

function isThere({ command, probe = `command -v ${command}` }: Need): boolean {
  return spawnSync("sh", ["-c", probe]).status === 0;
}

function has(command: string): boolean {
  return isThere({ command, debian: command });
}
