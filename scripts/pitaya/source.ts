import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

// A hundred packages are downloaded and compiled.
const timeLimitMs = 900_000;
const moduleVersion = "github.com/topfreegames/pitaya/v3@v3.0.0-beta.6";

/** Programs of Pitaya, built here from its own sources. */
export interface Pitaya {
  /** Its command line: `pitaya repl`. */
  readonly cli: string;
  /** A server on it (server.go). */
  readonly server: string;
}

/** Downloads Pitaya into a folder and builds it. Throws where Go is missing, or where Pitaya cannot be had. */
export function buildPitaya(folder: string): Pitaya {
  const env = { ...process.env, GOWORK: "off", PATH: [process.env["PATH"], "/usr/local/go/bin"].join(delimiter) };
  const go = (cwd: string, ...args: string[]): string => {
    const { status, error, stdout, stderr } = spawnSync("go", args, { cwd, env, encoding: "utf8", timeout: timeLimitMs });
    if (error) throw new Error(`go cannot be run: ${error.message}`);
    if (status !== 0) throw new Error(`go ${args.join(" ")} failed: ${stderr || stdout}`);
    return stdout;
  };
  const { Dir } = JSON.parse(go(folder, "mod", "download", "-json", moduleVersion)) as { readonly Dir: string };
  const source = join(folder, "source");
  cpSync(Dir, source, { recursive: true });
  // What Go downloads is read-only.
  for (const name of [".", ...readdirSync(source, { recursive: true, encoding: "utf8" })]) chmodSync(join(source, name), 0o755);
  mkdirSync(join(source, "cmd", "room"));
  cpSync(fileURLToPath(new URL("server.go", import.meta.url)), join(source, "cmd", "room", "main.go"));
  const [cli, server] = [join(folder, "pitaya"), join(folder, "room")];
  go(source, "build", "-o", cli, ".");
  go(source, "build", "-o", server, "./cmd/room");
  return { cli, server };
}
