import { execPath } from "node:process";
import { type Child, startChild } from "../support/child.ts";

/** nano-cli in a process of its own. */
export function startNanoCli(...args: string[]): Child {
  return startChild(execPath, ["--conditions=nano-source", "src/cli/main.ts", ...args]);
}

/** A registry in a process of its own. */
export interface RegistryProcess {
  readonly child: Child;
  /** As "127.0.0.1:2379". */
  readonly endpoint: string;
}

/** Starts one, on a port that is free where none is given. */
export async function startRegistryProcess(port = "0"): Promise<RegistryProcess> {
  const child = startNanoCli("registry", "--port", port);
  const line = await child.line((text) => text.startsWith("listening on "));
  return { child, endpoint: /^listening on (\S+):/.exec(line)?.[1] ?? "" };
}
