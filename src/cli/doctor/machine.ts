import { readFileSync } from "node:fs";
import { systemNet } from "../../net/index.ts";
import type { Finding } from "./finding.ts";

const leastNode = [22, 18] as const;
// A frontend has one for each client, and some of its own.
const fewFiles = 65_536;

/** Node, as it is. @param version As "22.18.0". */
export function lookAtNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const fits = major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
  if (fits) return { what: "Node", state: "well", seen: version };
  return {
    what: "Node",
    state: "wrong",
    seen: version,
    remedy: `nano wants ${leastNode.join(".")} or newer: install a current Node`,
  };
}

/** How many sockets a process may have open. @param limits The text of /proc/self/limits; undefined where the system has none. */
export function lookAtFiles(limits: string | undefined = readLimits()): readonly Finding[] {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(limits ?? "") ?? [];
  if (soft === undefined) return [];
  if (soft === "unlimited" || Number(soft) >= fewFiles) return [{ what: "open files", state: "well", seen: soft }];
  const remedy = `each client is one: "ulimit -n ${fewFiles}" before you start, or LimitNOFILE of the service`;
  return [{ what: "open files", state: "warning", seen: `at most ${soft}`, remedy }];
}

/** Whether a server could listen there. */
export async function lookAtPort(host: string, port: number): Promise<Finding> {
  const what = `port ${host}:${port}`;
  try {
    const listener = await systemNet.listen({ host, port }, () => ({ data: () => {}, drain: () => {}, closed: () => {} }));
    await listener.close();
    return { what, state: "well", seen: "free" };
  } catch (reason) {
    const { code = "" } = reason as { readonly code?: string };
    const remedies: Readonly<Record<string, string>> = {
      EADDRINUSE: `somebody listens there: stop it ("ss -ltnp 'sport = :${port}'" tells who), or take another port`,
      EACCES: "ports under 1024 are for root: take a higher one, or give Node CAP_NET_BIND_SERVICE",
      EADDRNOTAVAIL: "this machine has no such address: listen on 0.0.0.0, or one that it has",
    };
    const seen = reason instanceof Error ? reason.message : String(reason);
    return { what, state: "wrong", seen, remedy: remedies[code] ?? "take another address" };
  }
}

function readLimits(): string | undefined {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined;
  }
}
