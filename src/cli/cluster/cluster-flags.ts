import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CommandError } from "../command.ts";

/** How a cluster is reached. */
export interface ClusterAccess {
  readonly endpoints: string;
  readonly prefix: string;
  readonly tokens: readonly string[];
}

/** The flags of all commands that reach a cluster. */
export const clusterOptions = {
  etcd: { type: "string" },
  prefix: { type: "string", default: "/nano" },
  "token-file": { type: "string" },
} as const;

/** What they look like once they are read. */
export interface ClusterFlags {
  readonly etcd?: string | undefined;
  readonly prefix: string;
  readonly "token-file"?: string | undefined;
}

export const clusterHelp = `  --etcd ENDPOINTS   as 10.0.0.1:2379,10.0.0.2:2379, or nano-cli's own registry
  --prefix PREFIX    the cluster's (default: /nano)
  --token-file FILE  its token, where it has one`;

/** Reads flags. Throws a CommandError. */
export function readFlags<O extends NonNullable<Parameters<typeof parseArgs>[0]>["options"]>(
  args: readonly string[],
  options: O,
  command: string,
) {
  try {
    return parseArgs({ args: [...args], options: options as NonNullable<O>, allowPositionals: true });
  } catch (reason) {
    throw new CommandError(`${words(reason)} (see nano-cli ${command} --help)`);
  }
}

/** How the cluster is reached that flags name. Throws a CommandError where they name none. */
export function accessOf(flags: ClusterFlags, command: string): ClusterAccess {
  const { etcd: endpoints, prefix, "token-file": file } = flags;
  if (endpoints === undefined) throw new CommandError(`--etcd ENDPOINTS is missing (see nano-cli ${command} --help)`);
  return { endpoints, prefix, tokens: file === undefined ? [] : [tokenIn(file)] };
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (reason) {
    throw new CommandError(`the token cannot be read: ${words(reason)}`);
  }
}

/** What went wrong, as text. */
export function words(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
