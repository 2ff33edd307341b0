import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "nano-rpc";

/** An authority, and the certificates that it has made by the recipe of docs/security.md. */
export interface Authority {
  readonly ca: string;
  /** What a server of a cluster is given. @param name Of the files. */
  tls(name: string): TlsOptions;
  remove(): Promise<void>;
}

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const recipe = /^```sh docs\/certificates\.sh\n(.*?)^```$/ms.exec(page)?.[1] ?? "";

/** @param more Servers beside those of the recipe: by name, their alternative names. */
export function createAuthority(more: Readonly<Record<string, string>> = {}): Authority {
  const folder = mkdtempSync(join(tmpdir(), "nano-certificates-"));
  const lines = Object.entries(more).map(([name, names]) => `server ${name} ${names}`);
  execFileSync("bash", ["-e", "-c", [recipe, ...lines].join("\n")], { cwd: folder, stdio: "pipe" });
  const pem = (name: string): string => readFileSync(join(folder, `${name}.pem`), "utf8");
  const ca = pem("ca");
  return {
    ca,
    tls: (name) => ({ cert: pem(name), key: pem(`${name}-key`), ca, requestCert: true, serverName: "nano.cluster" }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
