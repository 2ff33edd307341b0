import { spawnSync } from "node:child_process";

/** A program that tests run, and Debian's package of it. */
export interface Need {
  readonly command: string;
  readonly debian: string;
  /** A shell command that works where all of it is there. The default: that the command is found. */
  readonly probe?: string;
  /** The version of the package that will do, as "1.24", where not any will. */
  readonly atLeast?: string;
}

const aptTimeoutMs = 240_000;

/** Installs what is missing where it can (Debian, as root), and says otherwise what to install. @param consequence What becomes of the tests without it. */
export function bring(needs: readonly Need[], consequence: string): void {
  const missing = needs.filter((need) => !isThere(need));
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && has("apt-get")) {
    if (missing.some(({ debian, atLeast }) => atLeast !== undefined && offered(debian) === undefined)) apt(["update"]);
    const packages = missing.filter(willDo).map(({ debian }) => debian);
    if (packages.length > 0) install(packages);
  }
  for (const need of missing) {
    const { command, debian, atLeast } = need;
    const version = atLeast === undefined ? "" : `, ${atLeast} or newer`;
    if (!isThere(need)) {
      console.log(`the tests that need ${command} ${consequence}: install it (Debian: apt-get install ${debian}${version})`);
    }
  }
}

function install(packages: readonly string[]): void {
  console.log(`installing ${packages.join(", ")} for the tests`);
  const args = ["install", "-y", "--no-install-recommends", ...packages];
  if (apt(args) === 0) return;
  apt(["update"]);
  apt(args);
}

function willDo({ debian, atLeast }: Need): boolean {
  return atLeast === undefined || (offered(debian) ?? "").localeCompare(atLeast, "en", { numeric: true }) >= 0;
}

/** The version of a package that could be installed, without its epoch; undefined where none is known. */
function offered(debian: string): string | undefined {
  const { stdout } = spawnSync("apt-cache", ["policy", debian], { encoding: "utf8" });
  return /Candidate: (?:\d+:)?(\d\S*)/.exec(stdout ?? "")?.[1];
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
