import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TlsOptions } from "nano-rpc";

/** An authority, and the certificates that it has made by the recipe of docs/security.md. */
export interface Authority {
  /** Where the files are. */
  readonly folder: string;
  readonly ca: string;
  /** What a server of a cluster is given. @param name Of the files. */
  tls(name: string): TlsOptions;
  /** The same as paths of PEM files. */
  files(name: string): { readonly cert: string; readonly key: string; readonly ca: string };
  remove(): Promise<void>;
}

const page = readFileSync(new URL("../../docs/security.md", import.meta.url), "utf8");
const recipe = /^```sh docs\/certificates\.sh\n(.*?)^```$/ms.exec(page)?.[1] ?? "";

/** @param more Servers beside those of the recipe: by name, their alternative names. */
export function createAuthority(more: Readonly<Record<string, string>> = {}): Authority {
  const folder = mkdtempSync(join(tmpdir(), "nano-certificates-"));
  const lines = Object.entries(more).map(([name, names]) => `server ${name} ${names}`);
  execFileSync("bash", ["-e", "-c", [recipe, ...lines].join("\n")], { cwd: folder, stdio: "pipe" });
  const path = (name: string): string => join(folder, `${name}.pem`);
  const pem = (name: string): string => readFileSync(path(name), "utf8");
  const ca = pem("ca");
  return {
    folder,
    ca,
    tls: (name) => ({ cert: pem(name), key: pem(`${name}-key`), ca, requestCert: true, serverName: "nano.cluster" }),
    files: (name) => ({ cert: path(name), key: path(`${name}-key`), ca: path("ca") }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
